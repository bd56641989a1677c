"""What sentences mean: step classes, their arguments, and what they are given."""
