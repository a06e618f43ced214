"""MIND (arXiv:2601.03717): a student learns to reason from many perspectives."""
