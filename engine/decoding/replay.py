"""A drafter against a text that is known: what it proposes, what of it would hold, and what that takes.

The target reads prompt and answer once, in one block; then the drafter is asked round by round as the loop asks it, and
told the answer's own tokens. So its acceptance costs its own time only. At temperature 0 the answer is the target's and
all is as in decoding; of an answer that was drawn, a candidate holds exactly as often as decoding would accept it. A
drafter that knows the noise of draws knows that of the answer's.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cost_aware import CostAware, Tuned
from offbook.engine.decoding.drafter import CoupledDrafter, Drafter, LearningDrafter, coupled
from offbook.engine.decoding.generation import RoundTime
from offbook.engine.decoding.layouts.layout import StepOutput
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree, host_of
from offbook.engine.decoding.verify import seeds_ahead


class Proposal(NamedTuple):
    """A tree, the tokens that follow its root until one is not in it, the rows committed then, and its seconds."""

    tree: Tree
    committed: tuple[int, ...]
    context: int
    draft_s: float


class KnownText:
    """A prompt with its answer; what the target computes of it is kept for all drafters.

    Args:
        backbone: the target.
        prompt: token ids.
        answer: its own, at least one.
        sampling: how it was drawn.
        generator: in the state in which it was drawn, for drafters that know the noise; None for a text that the
            target did not draw.
        rounds: of plain decoding, where that said it.
    """

    def __init__(
        self,
        backbone: Backbone,
        prompt: Sequence[int],
        answer: Sequence[int],
        *,
        sampling: Sampling | None = None,
        generator: torch.Generator | None = None,
        rounds: Sequence[RoundTime] = (),
    ) -> None:
        self.backbone, self.prompt, self.answer = backbone, tuple(prompt), tuple(answer)
        self.sampling, self.rounds, self._generator = sampling or Sampling(), tuple(rounds), generator
        self.text_T = torch.tensor([*prompt, *answer], device=backbone.device)
        self._read: dict[tuple[int, ...], StepOutput] = {}

    def read(self, taps: Sequence[int]) -> StepOutput:
        """The states of every position, and the logits from the prompt's last on."""
        key = tuple(taps)
        if key not in self._read:
            cache = self.backbone.new_cache(len(self.text_T))
            self._read[key] = self.backbone.extend(self.text_T, cache, logits_for=len(self.answer) + 1, taps=key)
        return self._read[key]

    def generator(self) -> torch.Generator:
        """Another in the state in which it was drawn."""
        return torch.Generator(self.backbone.device) if self._generator is None else self._generator.clone_state()

    def seeds(self, count: int) -> NDArray[np.uint64] | None:
        """Of the answer's draws and of those behind it, so many; None where nothing was drawn."""
        if self._generator is None or self.sampling.greedy:
            return None
        return seeds_ahead(count, self._generator)


@torch.inference_mode()
def replay(drafter: Drafter, known: KnownText) -> list[Proposal]:
    """The rounds of one answer, each verified as a whole."""
    text, start = known.text_T, len(known.prompt)
    learns = isinstance(drafter, LearningDrafter)
    read = known.read(drafter.taps) if learns or drafter.taps else None
    features = text.new_empty(len(text), 0) if read is None else read.features(len(text))
    drafter.begin(text[None, :start].clone(), capacity=len(text) + drafter.max_nodes)
    rounds, seen, root = [], 1, start
    seeds = known.seeds(len(known.answer) + drafter.max_nodes)
    if isinstance(drafter, CoupledDrafter) and coupled(drafter) and seeds is not None:
        drafter.couple(known.sampling, lambda count: seeds[root + 1 - start :][:count])
    while root < len(text) - 1:
        begun = time.perf_counter()
        drafter.observe(text[seen : root + 1], features[seen - 1 : root], root + 1 - seen)
        proposal = drafter.propose()
        draft_s = time.perf_counter() - begun
        tree = host_of(proposal)
        committed = _committed(tree, text[root + 1 :].tolist())
        rounds.append(Proposal(tree, committed, root, draft_s))
        if isinstance(drafter, LearningDrafter) and read is not None:
            drafter.learn(Tree((int(text[root]),), (-1,)), read.logits_NV[root + 1 - start, None])
        seen, root = root + 1, root + len(committed)
    return rounds


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What cost-aware rounds would do over replayed answers, in the seconds of their table.

    Attributes:
        tokens: committed.
        seconds: taken.
        plain_s: for the same tokens one by one.
        rounds: in which something was drafted.
        drafted_tokens: committed by these.
        drafted_s: taken by these.
        drafted_plain_s: for their tokens one by one.
    """

    tokens: int = 0
    seconds: float = 0.0
    plain_s: float = 0.0
    rounds: int = 0
    drafted_tokens: int = 0
    drafted_s: float = 0.0
    drafted_plain_s: float = 0.0

    def __add__(self, other: "Expected") -> "Expected":
        return Expected(**{name: value + getattr(other, name) for name, value in vars(self).items()})

    @property
    def speedup(self) -> float:
        """Over one token a step."""
        return self.plain_s / self.seconds if self.seconds else 1.0

    @property
    def acceptance_length(self) -> float:
        """Tokens of a round that drafts."""
        return self.drafted_tokens / self.rounds if self.rounds else 1.0

    @property
    def break_even(self) -> float:
        """The acceptance length at which these rounds would take as long as plain steps."""
        return self.drafted_s / (self.drafted_plain_s / self.drafted_tokens) / self.rounds if self.rounds else 1.0


def expect(tuned: Tuned, answers: Sequence[Sequence[Proposal]]) -> Expected:
    """Plays the rounds of answers under the controller; a round that is suspended is a plain step."""
    total = Expected()
    for rounds in answers:
        controller = CostAware(tuned)
        for tree, committed, context, _ in rounds:
            one = tuned.costs.of(1, context)
            if not controller.drafts(context):
                total += Expected(tokens=1, seconds=one, plain_s=one)
                continue
            cut = controller.cut(tree, context)
            path = _path(cut, committed)
            count = min(len(path), len(committed))
            controller.learn(cut, path[:count], committed[count - 1])
            cost = tuned.costs.of(len(cut), context) + tuned.draft_s
            total += Expected(
                tokens=count,
                seconds=cost,
                plain_s=count * one,
                rounds=1,
                drafted_tokens=count,
                drafted_s=cost,
                drafted_plain_s=count * one,
            )
    return total


def _path(tree: Tree, following: Sequence[int]) -> list[int]:
    """The nodes, root included, along the tokens that follow."""
    path = [0]
    for token in following:
        node = next((child for child in tree.children[path[-1]] if tree.tokens[child] == token), None)
        if node is None:
            break
        path.append(node)
    return path


def _committed(tree: Tree, following: Sequence[int]) -> tuple[int, ...]:
    return tuple(following[: len(_path(tree, following))])
