"""What the sentences of features/ mean, and what they ask of each broker and client."""
