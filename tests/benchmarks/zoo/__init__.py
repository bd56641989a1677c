"""Peers for the benchmark harness: one that is honest, and one for each way of being broken."""
