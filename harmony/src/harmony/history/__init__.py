"""Runs that have been: kept, found again, compared, and told over time."""
