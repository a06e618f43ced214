"""Timings: verification where the logits lie, against the host's walk and against torch without a word to the host.

"torch" is what one writes without kernels: a choice at all nodes, by argmax or `multinomial`, then a walk by gathers.
`multinomial` draws from another generator, so that there only the form of what is found is compared.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch

from offbook.kernels.proof.case import Timed
from offbook.kernels.verify_tree import Walked, verify_drawn_tree, verify_tree
from offbook.kernels.verify_tree.compiled import DTYPES, NODES, VOCABULARIES

DEEP = 7
ON_CPU = {"SmolLM2-135M": VOCABULARIES["SmolLM2-135M"]}


def cases(device: str) -> Iterator[Timed]:
    """Greedy, drawing and of drawn candidates; on the CPU of few nodes."""
    nodes = 16 if device == "cpu" else NODES
    for model, size in (ON_CPU if device == "cpu" else VOCABULARIES).items():
        for dtype in DTYPES[:1] if device == "cpu" else DTYPES:
            for temperature in (0.0, 1.0):
                providers: dict[str, Callable[..., Any]] = {
                    "offbook": partial(_verify, temperature),
                    "replaced": partial(_verify, temperature, implementation="reference"),
                }
                if device != "cpu":
                    providers |= {"torch": partial(_by_torch, temperature), "torch.compile": _compiled(temperature)}
                yield Timed(
                    op="verify_tree",
                    shape=f"{model}, V {size}, {nodes} nodes, {'drawing' if temperature else 'greedy'}",
                    dtype=str(dtype).removeprefix("torch."),
                    inputs=partial(_inputs, nodes, size, dtype, device),
                    providers=providers,
                    bytes=float(nodes * size * dtype.itemsize),
                    flops=float(nodes * size),
                    agree=_is_a_walk if temperature else _is_the_walk,
                )
        yield Timed(
            op="verify_tree",
            shape=f"{model}, V {size}, {nodes} nodes, drawn",
            dtype="float32",
            inputs=partial(_drawn_inputs, nodes, size, device),
            providers={"offbook": _verify_drawn, "replaced": partial(_verify_drawn, implementation="reference")},
            bytes=float(2 * nodes * size * 4),
            flops=float(4 * nodes * size),
            agree=_is_a_walk,
        )


def _inputs(nodes: int, size: int, dtype: torch.dtype, device: str, seed: int) -> Sequence[torch.Tensor]:
    """Logits, tokens, parents, depths and seeds; half of the levels of a path are what the target says."""
    generator = torch.Generator().manual_seed(seed)
    parents, depths = [-1], [0]
    for node in range(1, nodes):
        parents.append(node - 1 if node <= DEEP else int(torch.randint(node, (), generator=generator)) % DEEP)
        depths.append(depths[parents[-1]] + 1)
    tokens_N = torch.randperm(size, generator=generator)[:nodes]
    logits_NV = torch.randn(nodes, size, generator=generator) * 2
    for node in range(DEEP // 2):
        logits_NV[node, tokens_N[node + 1]] = 30.0
    seeds_S = torch.randint(2**63 - 1, (DEEP + 1,), generator=generator)
    shape = (torch.tensor(parents), torch.tensor(depths))
    return [side.to(device) for side in (logits_NV.to(dtype), tokens_N, *shape, seeds_S)]


def _drawn_inputs(nodes: int, size: int, device: str, seed: int) -> Sequence[torch.Tensor]:
    """Laws of target and draft, then as above."""
    logits_NV, *rest = _inputs(nodes, size, torch.float32, device, seed)
    return [logits_NV.softmax(dim=-1), (0.5 * logits_NV).softmax(dim=-1), *rest]


def _verify(temperature: float, *inputs: torch.Tensor, implementation: str = "auto") -> torch.Tensor:
    *trees, seeds_S = inputs
    seeds = seeds_S if temperature else None
    return verify_tree(*trees, temperature=temperature, seeds_S=seeds, implementation=implementation).told


def _verify_drawn(*inputs: torch.Tensor, implementation: str = "auto") -> torch.Tensor:
    *trees, seeds_S = inputs
    return verify_drawn_tree(*trees, seeds_S=seeds_S, implementation=implementation).told


def _by_torch(temperature: float, *inputs: torch.Tensor) -> torch.Tensor:
    logits_NV, tokens_N, parents_N, _, seeds_S = inputs
    if temperature:
        said_N = torch.multinomial((logits_NV.float() / temperature).softmax(dim=-1), 1)[:, 0]
    else:
        said_N = logits_NV.argmax(dim=-1)
    hit_NN = (parents_N == torch.arange(len(tokens_N), device=tokens_N.device)[:, None]) & (tokens_N == said_N[:, None])
    child_N = torch.where(hit_NN.any(dim=1), hit_NN.long().argmax(dim=1), -1)
    at, path = torch.zeros_like(said_N[0]), []
    for _ in range(len(seeds_S)):  # as deep as the tree is
        path.append(at)
        below = torch.where(at < 0, -1, child_N[at.clamp(min=0)])
        at = below
    path_D = torch.stack(path)
    count = (path_D >= 0).sum()
    bonus = said_N[path_D[count - 1]]
    told = torch.zeros(2 + len(tokens_N), dtype=torch.int64, device=tokens_N.device)
    told[0], told[1], told[2 : 2 + len(path_D)] = count, bonus, path_D.clamp(min=0)
    return told


def _compiled(temperature: float) -> Callable[..., torch.Tensor]:
    compiled: Callable[..., torch.Tensor] = torch.compile(partial(_by_torch, temperature))
    return compiled


def _is_the_walk(told: torch.Tensor, inputs: Sequence[torch.Tensor]) -> None:
    assert torch.equal(told, _verify(0.0, *inputs, implementation="reference"))


def _is_a_walk(told: torch.Tensor, inputs: Sequence[torch.Tensor]) -> None:
    parents_N, walked = inputs[-3], Walked(told)
    path = walked.path_N[: int(walked.count)]
    assert path[0] == 0
    assert torch.equal(parents_N[path[1:]], path[:-1])
    assert int(walked.bonus) >= 0
