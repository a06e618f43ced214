"""Hand-made tunings: costs that make the controller verify nothing, a few nodes or all, whatever machine runs it."""

from offbook.engine.decoding.calibration import Calibration, Tally
from offbook.engine.decoding.cost_aware import Tuned
from offbook.engine.decoding.costs import RowCosts

ROWS = (1, 2, 4, 8, 16, 32)


def costs(*seconds: float, contexts: tuple[int, ...] = (4,)) -> RowCosts:
    """A table over `ROWS`, the same behind every context."""
    return RowCosts(contexts=contexts, rows=ROWS, seconds=(tuple(seconds),) * len(contexts))


FREE = costs(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)  # of a machine that waits for its memory
DEAR = costs(1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
BETWEEN = costs(1.0, 1.1, 1.3, 2.2, 4.5, 9.0)
CHEAP = costs(1.0, 1.02, 1.06, 1.3, 3.0, 6.0)  # but for many rows
UNTRIED = Calibration.of(Tally())


def tuned(table: RowCosts = BETWEEN, *, draft_s: float = 0.1, saved_s: float = 0.0) -> Tuned:
    """Nothing was counted: estimates are taken at their word."""
    return Tuned(costs=table, draft_s=draft_s, calibration=UNTRIED, saved_s=saved_s)
