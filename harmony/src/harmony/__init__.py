"""Cross-language conformance harness: one Gherkin specification, every pairing of implementations."""
