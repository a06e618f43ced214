"""What tables raise at a store that is not as it was committed."""


class DamagedError(ValueError):
    """Something in a store was changed after its commit, is gone, or cannot be true."""
