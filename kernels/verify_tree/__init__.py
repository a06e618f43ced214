"""Which candidates of a tree the target accepts, and the bonus token behind them."""

from offbook.kernels.verify_tree.race import draw
from offbook.kernels.verify_tree.reference import verify

__all__ = ["draw", "verify"]
