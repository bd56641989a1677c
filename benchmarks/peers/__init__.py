"""One module per peer. Each is imported only in the environment that its peer is installed in."""
