"""``harmony perf``: how fast each pairing of implementations is, measured in one interleaved run."""
