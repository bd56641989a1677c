"""Who lives and who dies: child processes, their ends, and what they leave."""
