"""Jakiro's two-expert feed-forward: a gated sum, and a gated difference for one position further."""

from offbook.kernels.expert_pair.reference import expert_pair, gated_pair

__all__ = ["expert_pair", "gated_pair"]
