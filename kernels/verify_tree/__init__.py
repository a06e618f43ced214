"""Which candidates of a tree the target accepts, and the bonus token behind them."""

from offbook.kernels.verify_tree.reference import verify_greedy, verify_sampling

__all__ = ["verify_greedy", "verify_sampling"]
