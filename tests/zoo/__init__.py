"""A model of the protocol in plain Python, and broken copies of it, each of which some scenario catches."""
