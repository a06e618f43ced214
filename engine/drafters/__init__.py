"""Training drafters: the target's answers, features, vocabulary, losses, the loop, the checkpoint."""
