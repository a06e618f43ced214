"""What every contender shares: one backbone, one cache, one counter, one clock, and the loops that train."""
