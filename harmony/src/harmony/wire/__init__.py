"""What crosses a pipe: framing, JSON-RPC, and the two contracts."""
