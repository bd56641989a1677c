"""What will run: pairings, cells, shards, seeds."""
