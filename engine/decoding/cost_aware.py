"""The cost-aware controller: as many candidates are verified as pay, and none drafted where drafting does not pay.

Each round the number of candidates n is chosen that maximises

    (1 + sum of the survival of the n likeliest nodes) / (cost of 1 + n rows + cost of the draft)

among a few sizes, none included (DSpark, arXiv:2607.05147, schedules its verification by the same ratio; Ours: trees,
and a table measured beforehand). A node never survives more often than its parent, so the n likeliest are connected.
Any has to promise a tenth more than none: costs move by that between their measurement and decoding, and whoever is
wrong about a small gain has a loss.

Drafting is suspended once the rounds that drafted saved less than they cost, against the same tokens one by one, with
what development prompts showed as the first guess. It is tried again after some rounds, after twice as many each time
it still does not pay.

Costs come from a frozen table, never from the clock, and all else from the text of this document, so that the same
text gives the same rounds. Which candidates are verified hangs on the candidates themselves: exact where these are a
deterministic function of the text, and refused where they were drawn (`Controller.anticipates`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from offbook.engine.decoding.calibration import Calibration, Cell, Tally, cells
from offbook.engine.decoding.costs import RowCosts
from offbook.engine.decoding.tree import Tree

SIZES = (0, 1, 3, 7, 15, 31)  # candidates below the root; a CPU runs as many rows as there are, a graph pads to these
WORTH = 1.1  # times the tokens a second of a plain round, which a round with candidates has to promise
GUESS = 8.0  # rounds that the first guess of what drafting saves counts for
MEMORY = 0.9  # what each round of drafting counts for, once another follows
FIRST_WAIT, LONGEST_WAIT = 8, 64  # rounds without drafting before it is tried again


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What is known of a drafter on a target before a document begins; frozen.

    Attributes:
        costs: of the target's rows.
        draft_s: seconds of one round's drafting.
        calibration: of the drafter's candidates.
        saved_s: what a round that drafts saves over the same tokens one by one, on development prompts.
    """

    costs: RowCosts
    draft_s: float
    calibration: Calibration
    saved_s: float = 0.0


class CostAware:
    """See `Controller`."""

    anticipates = True

    def __init__(self, tuned: Tuned) -> None:
        self.tuned = tuned
        self.begin()

    def begin(self) -> None:
        """See `Controller`."""
        self._seen = Tally()
        self._proposal: Tree | None = None
        self._kinds: list[Cell] = []
        self._context = 0
        self._saved = self._rounds = 0.0
        self._silent, self._wait, self._probing = 0, FIRST_WAIT, False

    def drafts(self, context: int) -> bool:
        """See `Controller`."""
        self._probing = not self._pays
        if self._probing and self._silent < self._wait:
            self._silent += 1
            return False
        self._silent = 0
        return True

    def cut(self, tree: Tree, context: int) -> Tree:
        """See `Controller`; the nodes that stay carry their calibrated survival."""
        self._proposal, self._context = tree, context
        self._kinds = cells(tree)
        survival = self.tuned.calibration.survival(tree, self._seen, self._kinds)
        likeliest = sorted(range(1, len(tree)), key=lambda node: -survival[node])  # ties in order, parents first
        count = best_size(self.tuned, [survival[node] for node in likeliest], context)
        return Tree(tree.tokens, tree.parents, survival).only([0, *sorted(likeliest[:count])])

    def learn(self, tree: Tree, path: Sequence[int], bonus: int) -> None:
        """See `Controller`."""
        if self._proposal is None:  # this round drafted nothing
            return
        self._seen.add(self._proposal, [*(tree.tokens[node] for node in path[1:]), bonus], self._kinds)
        self._proposal = None
        cost = self.tuned.costs.of(len(tree), self._context) + self.tuned.draft_s
        saved = len(path) * self.tuned.costs.of(1, self._context) - cost
        self._saved, self._rounds = MEMORY * self._saved + saved, MEMORY * self._rounds + 1.0
        if self._pays:
            self._wait = FIRST_WAIT
        elif self._probing:
            self._wait = min(2 * self._wait, LONGEST_WAIT)

    @property
    def _pays(self) -> bool:
        """Whether a round that drafts saves anything: the mean of the guess and of what this document showed."""
        return GUESS * self.tuned.saved_s + self._saved >= 0.0


def best_size(tuned: Tuned, survival: Sequence[float], context: int) -> int:
    """How many candidates are worth verifying, of survival in falling order; the fewest of those equally good."""
    best, best_rate = 0, 0.0
    for size in SIZES:
        count = min(size, len(survival))
        rate = (1.0 + sum(survival[:count])) / (tuned.costs.of(1 + count, context) + tuned.draft_s)
        if count == 0:
            rate *= WORTH
        if rate > best_rate:
            best, best_rate = count, rate
    return best
