"""``harmony watch``: what a change touches runs again, and a table shows how each cell stands."""
