"""How many candidates are drawn, and where: rules that leave the target's law alone, and their neighbours that do not.

Whether a candidate is verified may hang on all that is known before it is drawn, never on the candidate itself nor on
what was drawn behind it. The right rules are those of published code and papers, as named below; played on the toy as
in `samplers`, every branch enumerated.
"""

from collections.abc import Callable, Sequence

from offbook.harness.certificates.law import Branches
from offbook.harness.certificates.toy_target import SMALL
from tests.controls.samplers import Drafted, Game, Node, unit

SURE = 0.25  # of a candidate, by the draft law
Text = tuple[int, ...]
Goes = Callable[[Game, Text, Sequence[int]], bool]  # whether there are candidates behind one, among its siblings
Kept = Callable[[Game, Text, list[int]], list[int]]


def drafted(goes: Goes, kept: Kept = lambda game, text, tokens: tokens) -> Drafted:
    """Draws in the shape of the toy's tree, behind who `goes` on; of the draws behind a text those that are `kept`."""

    def make(game: Game, chance: Branches, fault: str) -> Node:
        def grow(text: Text, place: int, siblings: Sequence[int]) -> Node:
            if text and not goes(game, text, siblings):
                return Node(text=text)
            left, tokens = game.q(text), list[int]()
            for _ in SMALL.children[place]:
                if left.sum() > 0:
                    tokens.append(chance.choose(unit(left)))
                    left[tokens[-1]] = 0
            tokens = kept(game, text, tokens)
            places = SMALL.children[place][: len(tokens)]
            below = [grow((*text, token), child, tokens) for token, child in zip(tokens, places, strict=True)]
            return Node(text=text, children=tuple(below))

        return grow((), 0, ())

    return make


def by_a_coin(game: Game, chance: Branches, fault: str) -> Node:
    """As long as something said that is not of this round, such as how the last one went."""
    long = chance.choose([0.5, 0.5]) == 1
    return drafted(lambda *_: long)(game, chance, fault)


def is_sure(game: Game, text: Text) -> bool:
    return bool(game.q(text[:-1])[text[-1]] >= SURE)


def is_surer(game: Game, text: Text) -> bool:
    """Of what comes behind a text than behind its siblings on average."""
    behind = [game.q((*text[:-1], token)).max() for token in range(SMALL.vocabulary)]
    return bool(behind[text[-1]] >= sum(behind) / len(behind))


def likelier(game: Game, text: Text, siblings: Sequence[int]) -> bool:
    return text[-1] == max(siblings, key=lambda token: game.q(text[:-1])[token])


# rule: whose it is
RIGHT: dict[str, tuple[Drafted, str]] = {
    "nothing is drawn behind an unsure candidate, which is verified": (
        drafted(lambda game, text, _: is_sure(game, text)), "transformers' assistant_confidence_threshold",
    ),
    "drawn while the draft is sure of the next": (
        drafted(lambda game, text, _: is_surer(game, text)),
        "DSpark (arXiv:2607.05147), algorithm 1: extend while it pays, stop at the first fall",
    ),
    "a length from before the round": (by_a_coin, "a length by what earlier rounds accepted"),
    "a budget goes behind the likeliest sibling": (drafted(likelier), "vLLM #47808: filled by survival"),
}  # fmt: skip
WRONG: dict[str, Drafted] = {
    "an unsure candidate is dropped": drafted(
        lambda *_: True, lambda game, text, tokens: [token for token in tokens if is_sure(game, (*text, token))]
    ),
    "an unsure first candidate ends the round": drafted(
        lambda *_: True, lambda game, text, tokens: tokens if is_sure(game, (*text, *tokens[:1])) else []
    ),
    "candidates with nothing likely behind them are dropped": drafted(
        lambda *_: True,
        lambda game, text, tokens: [token for token in tokens if text or is_surer(game, (*text, token))],
    ),
}
