"""Medusa-2 (arXiv:2401.10774): a student, and Medusa's heads on its features, trained together."""
