"""The seam of a contender: propose candidates, be told what was accepted. The loop owns everything else."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree, TreeTensors
from offbook.engine.quoting import quoted
from offbook.kernels.rerank_tree import Reranked


class Drafter(Protocol):
    """Proposes a candidate tree from the committed tokens and the target's features.

    It forgets a document when the next begins; one that does not says so by an option of its own, which records name.
    """

    @property
    def networks(self) -> Sequence[nn.Module]:
        """Modules whose calls count as draft forwards (the loop counts them; empty without a network)."""
        ...

    @property
    def max_nodes(self) -> int:
        """Largest tree it proposes, root included."""
        ...

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """Forgets the previous prompt and makes room for `capacity` committed tokens."""
        ...

    @property
    def taps(self) -> Sequence[int]:
        """Which of the target's hidden states it reads, as transformers counts them; none if it reads tokens only.

        -1 is the last one, behind the final norm: what the language-model head reads.
        """
        ...

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """Is told what was committed: the first `count` rows; what lies behind them means nothing.

        `features_RH[i]` are the target's states of all `taps`, side by side, at the position *before* `tokens_R[i]`.
        The first call covers the prompt from its second token on and ends with the first new token; the last token of
        every call is the root of the next tree.
        """
        ...

    def propose(self) -> Tree | TreeTensors:
        """A tree whose root is the token observed last."""
        ...


@runtime_checkable
class DrawingDrafter(Protocol):
    """A drafter whose candidates are drawn above temperature 0; only one that says so may name the laws of a tree."""

    @property
    def draws(self) -> bool:
        """Whether it does."""
        ...

    def draw_with(self, sampling: Sampling, generator: torch.Generator) -> None:
        """Is told at the beginning of a document how the target draws, and given random numbers of its own."""
        ...


def draws(drafter: object) -> bool:
    """Whether what it proposes may be drawn."""
    return isinstance(drafter, DrawingDrafter) and drafter.draws


SeedsAhead = Callable[[int], NDArray[np.uint64]]


@runtime_checkable
class CoupledDrafter(Protocol):
    """A drafter that knows the noise of the target's next draws; see `engine.decoding.coupling`.

    One that draws is not told: with noise that decides about a candidate, none may be drawn, for the residual's draw
    would hang on it.
    """

    @property
    def coupled(self) -> bool:
        """Whether it does."""
        ...

    def couple(self, sampling: Sampling, seeds_ahead: SeedsAhead) -> None:
        """Is told, behind `begin`, how the target draws above temperature 0.

        `seeds_ahead(count)` are, whenever something is observed or proposed, the seeds of so many of the next draws,
        that behind the root first.
        """
        ...


def coupled(drafter: object) -> bool:
    """Whether what it proposes may hang on the noise of the target's next draws."""
    return isinstance(drafter, CoupledDrafter) and drafter.coupled and not draws(drafter)


@runtime_checkable
class LearningDrafter(Protocol):
    """A drafter that is also told what the target said, behind accepted candidates and behind all others."""

    def learn(self, tree: Tree, logits_NV: torch.Tensor) -> None:
        """`logits_NV` are the target's logits behind every node of the tree that was verified."""
        ...


@runtime_checkable
class StagedDrafter(Protocol):
    """A drafter whose passes give its tree level by level, or several levels at once."""

    @property
    def levels_by_pass(self) -> tuple[int, ...]:
        """How many levels each pass of a round gives, the first pass's first; they sum to the depth of a whole tree."""
        ...


def levels_by_pass(drafter: object) -> tuple[int, ...]:
    """Those of its passes; none where it does not say.

    Raises:
        ValueError: it says something else.
    """
    levels = tuple(drafter.levels_by_pass) if isinstance(drafter, StagedDrafter) else ()
    if not all(type(level) is int and level > 0 for level in levels):
        msg = f"levels_by_pass: expected whole numbers from 1, one a pass, got {quoted(levels)}; correct the drafter"
        raise ValueError(msg)
    return levels


class Form(NamedTuple):
    """What all rounds of a drafter have in common.

    Attributes:
        nodes: of a tree, root included.
        levels: below the root, at most.
        passes: of its networks, that over what was committed included.
    """

    nodes: int
    levels: int
    passes: int


@runtime_checkable
class WholeRoundDrafter(Protocol):
    """A drafter whose rounds a device can play without the host; see `engine.decoding.whole_rounds`.

    Between `enter` and `leave` nothing that it does may wait for the device, nor have sizes that hang on what was said.
    """

    @property
    def form(self) -> Form | None:
        """Of its rounds in this document, known behind `begin`; None where they need the host."""
        ...

    @property
    def kept(self) -> Sequence[torch.Tensor]:
        """What a round leaves for the next one, in tensors that stay where they are, small ones and caches."""
        ...

    def enter(self) -> None:
        """The device counts from here on; everything that was committed has been observed."""
        ...

    def draft(self, root: torch.Tensor, start: torch.Tensor) -> Reranked:
        """The tree of a round, of `form.nodes` nodes; token and position of its root are 0-d int64."""
        ...

    def extend(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: torch.Tensor) -> None:
        """`Drafter.observe` of `form.levels + 1` rows, of which `count` (0-d int64) stand."""
        ...

    def leave(self, root: int, length: int) -> None:
        """The host counts from here on: `root` is the token committed last, and so many rows are in front of it."""
        ...
