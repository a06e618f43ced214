"""How operations are timed: against what they replace, the field's strongest, and what the hardware allows."""
