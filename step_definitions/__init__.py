"""What the sentences of the features mean, and the port through which they reach an implementation."""
