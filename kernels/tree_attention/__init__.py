"""Attention of a few query rows over a cached prefix plus a candidate tree."""

from offbook.kernels.tree_attention.reference import tree_attention

__all__ = ["tree_attention"]
