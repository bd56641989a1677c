"""The specification's own score: small faults in the sources of a platform, and which of them a scenario finds."""
