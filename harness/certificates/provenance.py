"""Whether the laws that trees name are those that their candidates were drawn from, bit for bit.

What statistics cannot see: a law that was drawn from in bfloat16 and named in float32, or computed a second time, or
without a filter that leaves out little. So what a drafter draws from (`engine.decoding.candidate_draws`) is held
against what its trees name: number format, every probability above 0, and, of the candidates, in the order in which
they were drawn.

Shapes: V vocabulary, D tokens that may be drafted; a law of some has the ids of these in ascending order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from offbook.engine.decoding.candidate_draws import Drawn
from offbook.engine.decoding.tree import TreeTensors

MOST_LAWS = 500  # that are compared; of a whole vocabulary each takes milliseconds

Key = tuple[str, bytes]


@dataclass
class Provenance:
    """What was seen of where laws come from.

    Attributes:
        laws: that trees named and were looked for.
        drawn_here: whether anything was drawn where one may look on.
        fault: what is wrong with the first that was not found; empty where all were.
    """

    laws: int = 0
    drawn_here: bool = False
    fault: str = ""

    @property
    def known(self) -> bool:
        """Whether anything can be said."""
        return self.drawn_here and self.laws > 0

    def look_at(self, tree: TreeTensors, drawn: Sequence[Drawn]) -> None:
        """The laws of a tree's nodes with candidates, and all that was drawn while it was made."""
        self.drawn_here |= bool(drawn)
        if tree.drawn_from_NV is None or not self.drawn_here or self.laws >= MOST_LAWS:
            return
        by_key: dict[Key, list[Drawn]] = {}
        for one in drawn:
            by_key.setdefault(_key(one.law_D), []).append(one)
        for node, children in enumerate(tree.host.children):
            if children:
                self.laws += 1
                named, tokens = tree.drawn_from_NV[node], [tree.host.tokens[child] for child in children]
                self.fault = self.fault or _fault(named, tokens, by_key, drawn)


def _fault(named: torch.Tensor, tokens: Sequence[int], by_key: dict[Key, list[Drawn]], drawn: Sequence[Drawn]) -> str:
    """What is wrong with what is named for these candidates; empty where they were drawn from it."""
    laws_TV = named.reshape(-1, named.shape[-1])
    if _at_once(laws_TV, tokens, by_key) or _one_by_one(laws_TV, tokens, by_key):
        return ""
    if len(laws_TV) == 1 and by_key.get(_key(laws_TV[0])):
        return "its candidates stand in another order than they were drawn in"
    formats = {_format(one.law_D) for one in drawn}
    if _format(named) not in formats:
        return f"it is in {_format(named)}, and what was drawn from in {', '.join(sorted(formats))}"
    return "nothing was drawn from it"


def _at_once(laws_TV: torch.Tensor, tokens: Sequence[int], by_key: dict[Key, list[Drawn]]) -> bool:
    """Whether all of a node's candidates were drawn from its one law in this order."""
    chances = laws_TV[0][list(tokens)].tolist()
    return len(laws_TV) == 1 and any(
        one.law_D[list(one.places[: len(tokens)])].tolist() == chances for one in by_key.get(_key(laws_TV[0]), ())
    )


def _one_by_one(laws_TV: torch.Tensor, tokens: Sequence[int], by_key: dict[Key, list[Drawn]]) -> bool:
    """Whether each was drawn by itself, from the law whose turn it was, without those before it."""
    left_TV = laws_TV.clone()
    for place, token in enumerate(tokens):
        law_V = left_TV[place % len(left_TV)]
        if all(float(one.law_D[one.places[0]]) != float(law_V[token]) for one in by_key.get(_key(law_V), ())):
            return False
        left_TV[:, token] = 0
    return True


def _format(law: torch.Tensor) -> str:
    return str(law.dtype).removeprefix("torch.")


def _key(law: torch.Tensor) -> Key:
    """Its number format and all that may be drawn from it, in the order of ids."""
    return _format(law), law[law > 0].contiguous().view(torch.uint8).numpy(force=True).tobytes()
