"""Jakiro's feed-forward of several experts: a gated sum of two, and a gated difference for one position further."""

from offbook.kernels.expert_pair.reference import Second, expert_pair, gated_pair

__all__ = ["Second", "expert_pair", "gated_pair"]
