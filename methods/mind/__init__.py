"""MIND: a student learns to reason from several perspectives, weighed by what it can take in (arXiv:2601.03717)."""
