"""Training drafters (answers, features, vocabulary, losses, the loop, the checkpoint), and reading published ones."""
