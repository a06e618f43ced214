"""Other ways to distil chains of thought, which MIND is measured against."""
