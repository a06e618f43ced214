"""What MIND and Jakiro are measured against, under the same file names as the methods."""
