"""What came of it: results, events, expectations."""
