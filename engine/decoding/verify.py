"""The verifier: given the target's logits behind every node of a tree, what is committed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree, TreeTensors
from offbook.engine.finite import logits_not_finite
from offbook.kernels.verify_tree import NOTHING, Seeded, draw, verify, verify_drawn


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Accepted nodes from the root on (root included) and the bonus token behind the last of them.

    Attributes:
        path_R: node indices, int64, ascending; those behind the first `count` mean nothing.
        count: how many stand, 0-d.
        bonus: the token, 0-d.
        known: the nodes that stand and the bonus token, where the host has them already.
    """

    path_R: torch.Tensor
    count: torch.Tensor
    bonus: torch.Tensor
    known: tuple[tuple[int, ...], int] | None = None

    @classmethod
    def of(cls, path: Sequence[int], bonus: int, device: torch.device | str = "cpu") -> "Verdict":
        """The verdict that a host has reached."""
        rows, count, last = (torch.tensor(value, device=device) for value in (list(path), len(path), bonus))
        return cls(path_R=rows, count=count, bonus=last, known=(tuple(path), bonus))

    @cached_property
    def path(self) -> tuple[int, ...]:
        """The nodes that stand, for the host."""
        return self.known[0] if self.known else tuple(self.path_R.tolist()[: int(self.count)])

    @cached_property
    def token(self) -> int:
        """The bonus token, for the host."""
        return self.known[1] if self.known else int(self.bonus)


class Verifier(Protocol):
    """Decides one round."""

    def __call__(self, logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
        """Commits a path of `tree`; `logits_NV` are the target's logits behind each node.

        Raises:
            NotFiniteError: a node on the path has logits that are not finite.
        """
        ...


@runtime_checkable
class RacingVerifier(Protocol):
    """A verifier that says whether its every draw is a race with the next seed of the generator (`new_seeds`)."""

    @property
    def races(self) -> bool:
        """Whether it is, where candidates are none that were drawn."""
        ...


def races(verifier: Verifier) -> bool:
    """Whether its draws can be foreseen by who knows their noise."""
    return isinstance(verifier, RacingVerifier) and verifier.races


VerifierFor = Callable[[Sampling], Verifier]


def verifier_for(sampling: Sampling, device: torch.device | str = "cpu") -> Verifier:
    """The exact verifier for these settings, and for where the target is.

    At temperature above 0 every position takes one seed of the generator, whoever drafts. So the same generator leads
    every contender to the same text, but where rounding moves a draw. Candidates that were drawn from a known law are
    held against the target's by the rule for these, which accepts more of them and leads to another text.
    """
    if torch.device(device).type == "cuda":
        from offbook.engine.decoding.device_verify import DeviceVerifier  # which needs this module

        return DeviceVerifier(sampling)
    return _greedy if sampling.greedy else _Sampled(sampling)


def _greedy(logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
    chosen_N = _likeliest(logits_NV)
    path, bonus = _walked(tree.host, *verify(lambda node, _: chosen_N[[node]], _tokens(tree.host), tree.host.children))
    if bonus == NOTHING:
        raise logits_not_finite()
    return Verdict.of(path, bonus, logits_NV.device)


def _likeliest(logits_NV: torch.Tensor) -> NDArray[np.int64]:
    """The first largest of each row (N,), `NOTHING` where it is not finite; NaN is every row's largest."""
    if logits_NV.device.type == "cpu" and logits_NV.dtype in (torch.float32, torch.float64):
        array_NV = logits_NV.numpy(
            force=True
        )  # torch would wake a thread for each row, which takes longer than the search
        largest_N: NDArray[np.int64] = array_NV.argmax(axis=-1)
        found_N = np.take_along_axis(array_NV, largest_N[:, None], axis=-1)[:, 0]
        return np.where(np.isfinite(found_N), largest_N, NOTHING)
    argmax_N1 = logits_NV.argmax(dim=-1, keepdim=True)
    chosen_N1 = argmax_N1.where(logits_NV.gather(-1, argmax_N1).isfinite(), NOTHING)
    chosen_N: NDArray[np.int64] = chosen_N1[:, 0].numpy(force=True)
    return chosen_N


@dataclass(frozen=True)
class _Sampled:
    sampling: Sampling
    races: bool = True

    def __call__(self, logits_NV: torch.Tensor, tree: TreeTensors, generator: torch.Generator) -> Verdict:
        finite_N = logits_NV.amax(dim=-1).isfinite().tolist()

        def law(node: int) -> NDArray[Any]:
            if not finite_N[node]:
                raise logits_not_finite()
            return self.sampling.probabilities(logits_NV[node : node + 1]).numpy(force=True)

        if tree.drawn_from_NV is None:
            found = verify(
                lambda node, _: draw(law(node), new_seeds(1, generator)), _tokens(tree.host), tree.host.children
            )
        else:
            draft_NV = tree.drawn_from_NV.numpy(force=True)
            found = verify_drawn(
                lambda node, _: law(node),
                lambda node, _: draft_NV[[node]],
                _tokens(tree.host),
                tree.host.children,
                Seeded(new_seeds(1 + max(tree.host.depths), generator)[None]),
            )
        path, bonus = _walked(tree.host, *found)
        return Verdict.of(path, bonus, logits_NV.device)


def _tokens(tree: Tree) -> NDArray[np.int64]:
    return np.array([tree.tokens])


def _walked(tree: Tree, last_1: NDArray[np.int64], bonus_1: NDArray[np.int64]) -> tuple[list[int], int]:
    """The path to the last accepted node of the one round, root first, and the bonus token."""
    path = [int(last_1[0])]
    while path[0]:
        path.insert(0, tree.parents[path[0]])
    return path, int(bonus_1[0])


def new_seeds(count: int, generator: torch.Generator) -> NDArray[np.uint64]:
    """Seeds (count,) of as many draws, of 63 bits each."""
    return seed_numbers(count, generator).numpy(force=True).astype(np.uint64)


def seed_numbers(count: int, generator: torch.Generator) -> torch.Tensor:
    """The same as int64 numbers, on the generator's device; they are the same however many are taken at once."""
    device = generator.device
    if device.type == "cpu":
        return torch.randint(2**63 - 1, (count,), generator=generator)
    # Several at once would be other numbers there than one after the other.
    return torch.cat([torch.randint(2**63 - 1, (1,), generator=generator, device=device) for _ in range(count)])


def seeds_ahead(count: int, generator: torch.Generator) -> NDArray[np.uint64]:
    """The next so many of `new_seeds`, which are still to come afterwards."""
    return new_seeds(count, generator.clone_state())


def own_numbers(generator: torch.Generator) -> torch.Generator:
    """A generator whose numbers hang on this one's state and are none of its own; its state stays as it is."""
    state = generator.get_state().numpy(force=True).tobytes()
    seed = int.from_bytes(hashlib.sha256(state).digest()[:8]) >> 1
    return torch.Generator(device=generator.device).manual_seed(seed)
