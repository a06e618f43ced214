"""Medusa-1 (arXiv:2401.10774): heads on the target's last feature, each for a position further ahead."""
