"""What is told: tables derived from records."""
