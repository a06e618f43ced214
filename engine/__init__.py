"""What every contender shares: one backbone, one cache, one counter, one clock, one training loop."""
