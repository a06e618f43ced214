"""Moves the accepted rows of a key/value cache together."""

from offbook.kernels.compact_cache.reference import compact_cache

__all__ = ["compact_cache"]
