"""The contenders this repository was written for: MIND and Jakiro."""
