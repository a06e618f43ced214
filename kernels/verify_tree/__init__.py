"""Which candidates of a tree the target accepts, and the bonus token behind them."""

from offbook.kernels.verify_tree.drawn import Seeded, verify_drawn
from offbook.kernels.verify_tree.race import draw, noise
from offbook.kernels.verify_tree.reference import verify

__all__ = ["Seeded", "draw", "noise", "verify", "verify_drawn"]
