"""What is written: features, sentences, and which role performs which."""
