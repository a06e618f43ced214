"""The seam of who decides how much of a proposal is verified, and whether anything is drafted at all.

With candidates that are a deterministic function of the text, any such rule leaves the output as it is: the tree is
still a function of the text. Candidates that are *drawn* may be cut only by what was known before they were drawn.
"""

from collections.abc import Sequence
from typing import Protocol

from offbook.engine.decoding.tree import Tree


class Controller(Protocol):
    """Decides from the text so far, and from what was measured before; never from the clock."""

    @property
    def anticipates(self) -> bool:
        """Whether what it cuts hangs on the candidates themselves; such a one is refused where they are drawn."""
        ...

    def begin(self) -> None:
        """Forgets the previous document."""
        ...

    def drafts(self, context: int) -> bool:
        """Whether the drafter is asked in this round, with `context` committed rows."""
        ...

    def cut(self, tree: Tree, context: int) -> Tree:
        """The part of a proposal that is verified; the bare root for none.

        What it leaves as `survival` is what it predicts of the nodes.
        """
        ...

    def learn(self, tree: Tree, path: Sequence[int], bonus: int) -> None:
        """Is told what became of a tree that was verified: the accepted nodes, root included, and the bonus token."""
        ...


class Everything:
    """Verifies whatever is proposed."""

    anticipates = False

    def begin(self) -> None:
        """See `Controller`."""

    def drafts(self, context: int) -> bool:
        """See `Controller`."""
        return True

    def cut(self, tree: Tree, context: int) -> Tree:
        """See `Controller`."""
        return tree

    def learn(self, tree: Tree, path: Sequence[int], bonus: int) -> None:
        """See `Controller`."""


class Nothing:
    """Drafts nothing: plain rounds in the loop in which controllers decide, with seconds of their own on a GPU too."""

    anticipates = False

    def begin(self) -> None:
        """See `Controller`."""

    def drafts(self, context: int) -> bool:
        """See `Controller`."""
        return False

    def cut(self, tree: Tree, context: int) -> Tree:
        """See `Controller`."""
        return tree

    def learn(self, tree: Tree, path: Sequence[int], bonus: int) -> None:
        """See `Controller`."""
