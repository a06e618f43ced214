"""An answer as it grows, and the account of the rounds that it came of."""

from collections.abc import Sequence

from offbook.engine.decoding.decoder import OnCommit
from offbook.engine.decoding.generation import FinishReason, Round
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.tree import Tree


class Answer:
    """What has been said.

    Args:
        stop: says where it ends.
        on_commit: is told the new tokens, trimmed.

    Attributes:
        tokens: that were committed; those behind the end are among them.
        end: tokens kept and the reason, once it has ended.
        rounds: see `Generation`.
        predicted: see `Generation`, of each round.
    """

    def __init__(self, stop: Stop, on_commit: OnCommit | None) -> None:
        self._stop, self._on_commit = stop, on_commit
        self.tokens: list[int] = []
        self.end: tuple[int, FinishReason] | None = None
        self.rounds: list[Round] = []
        self.predicted: list[tuple[float, ...]] = []

    def begin(self, token: int) -> None:
        """The token that the prefill says."""
        self.tokens.append(token)
        self.end = self._stop.cut(self.tokens, 0)
        if self._on_commit:
            self._on_commit([token])

    def add(self, tree: Tree, path: Sequence[int], bonus: int) -> list[int]:
        """A round's accepted path and bonus token; what it commits."""
        new = [*(tree.tokens[node] for node in path[1:]), bonus]
        before = len(self.tokens)
        self.tokens += new
        self.end = self._stop.cut(self.tokens, before)
        committed = (self.end[0] if self.end else len(self.tokens)) - before
        self.rounds.append(_round(tree, path, committed))
        self.predicted.append(_predicted(tree))
        if self._on_commit:
            self._on_commit(new[:committed])
        return new


def _round(tree: Tree, path: Sequence[int], committed: int) -> Round:
    """The account of one round; what was trimmed is left out of it."""
    accepted = len(path) - 1
    offered = accepted + bool(tree.children[path[-1]])
    return Round(
        drafted=len(tree) - 1,
        offered=min(offered, committed),
        accepted=min(accepted, committed),
        committed=committed,
    )


def _predicted(tree: Tree) -> tuple[float, ...]:
    """How many candidates of each depth are expected to be accepted: the sum of their survival."""
    if tree.survival is None:
        return ()
    by_depth = [0.0] * max(tree.depths)
    for depth, survival in zip(tree.depths[1:], tree.survival[1:], strict=True):
        by_depth[depth - 1] += survival
    return tuple(round(expected, 4) for expected in by_depth)
