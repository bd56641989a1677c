"""Being played by others: the step worker, and workers that stay."""
