"""The training loop and its parts: corpus, loop, checkpoint and features."""
