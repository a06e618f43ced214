"""Timings: re-ranking of a pool, against a list on the host and against torch without a word to the host."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch

from offbook.kernels.proof.case import Timed
from offbook.kernels.rerank_tree import rerank_tree
from offbook.kernels.rerank_tree.compiled import POOLS

SMALLEST = "8 wide, 3 deep"
ON_CPU = {SMALLEST: POOLS[SMALLEST]}


def cases(device: str) -> Iterator[Timed]:
    """By pool; on the CPU of the smallest, in plain torch alone, for decoding ranks by lists there."""
    for name, (size, keep) in (ON_CPU if device == "cpu" else POOLS).items():
        plain = partial(_rerank, keep, implementation="reference")
        providers: dict[str, Callable[..., Any]] = {"offbook": partial(_rerank, keep), "replaced": plain}
        if device != "cpu":
            providers |= {"replaced": partial(_by_lists, keep), "torch": plain}
        yield Timed(
            op="rerank_tree",
            shape=f"{name}: {keep} of {size}",
            dtype="float32",
            inputs=partial(_inputs, size, device),
            providers=providers,
            bytes=float(size * 20 + keep * 44),
            flops=float(size * 32),
            agree=partial(_is_the_tree, keep),
        )


def _inputs(size: int, device: str, seed: int) -> Sequence[torch.Tensor]:
    """Scores, tokens, parents and the root's token."""
    generator = torch.Generator().manual_seed(seed)
    drop, token = torch.rand(size, generator=generator), torch.randint(50_000, (size,), generator=generator)
    parents, scores = [-1] * 8, [-float(drop[i]) for i in range(8)]
    for i in range(8, size):
        parents.append(int(torch.randint(max(0, i - 99), i, (), generator=generator)))
        scores.append(scores[parents[-1]] - float(drop[i]))
    sides = (torch.tensor(scores), token, torch.tensor(parents), token.new_full((), 7))
    return [side.to(device) for side in sides]


def _rerank(keep: int, *inputs: torch.Tensor, implementation: str = "auto") -> torch.Tensor:
    return rerank_tree(*inputs, keep=keep, implementation=implementation).told_M


def _by_lists(
    keep: int, scores: torch.Tensor, tokens: torch.Tensor, parents: torch.Tensor, root: torch.Tensor
) -> torch.Tensor:
    """As it is done where trees are built on the host."""
    kept = torch.sort(scores, descending=True, stable=True).indices[:keep].sort().values.tolist()
    places = {pool: node for node, pool in enumerate(kept, start=1)}
    pool_tokens, pool_parents = tokens.tolist(), parents.tolist()
    above = [-1, *(0 if pool_parents[p] < 0 else places[pool_parents[p]] for p in kept)]
    depths = [0]
    for parent in above[1:]:
        depths.append(depths[parent] + 1)
    return torch.tensor([0, int(root), *(pool_tokens[p] for p in kept), *above, *depths, *depths], device=scores.device)


def _is_the_tree(keep: int, told: torch.Tensor, inputs: Sequence[torch.Tensor]) -> None:
    assert torch.equal(told, _by_lists(keep, *inputs))
