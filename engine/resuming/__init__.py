"""Training states that survive a kill."""
