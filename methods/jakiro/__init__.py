"""Jakiro (arXiv:2502.06282): a mixture-of-experts draft model speaks ahead of the target."""
