"""One step class per feature file; a sentence stands in the class of the feature that uses it first."""
