"""What is run: plans, stages, and the loop over them."""
