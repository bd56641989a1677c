"""What the sentences of `features/` mean, independent of process and platform."""
