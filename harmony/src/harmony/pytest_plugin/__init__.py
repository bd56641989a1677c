"""The harness in pytest. Nothing else imports pytest."""
