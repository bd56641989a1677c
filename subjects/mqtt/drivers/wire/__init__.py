"""The raw peers: a broker and a client of our own, of the standard library alone, that take the standard literally."""
