"""A run that is looked at while it goes on: its page, served to browsers on this machine."""
