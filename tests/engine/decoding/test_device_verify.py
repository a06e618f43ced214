"""The verifier for a device says what the host's says, and leaves the generator where that leaves it."""

import random

import pytest
import torch

from offbook.engine.decoding.device_verify import DeviceVerifier
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree, rerank
from offbook.engine.decoding.verify import new_seeds, races, seeds_ahead, verifier_for
from offbook.engine.finite import NotFiniteError
from tests.kernels.checks.rerank_tree import pool
from tests.kernels.conftest import NOT_DETERMINISTIC, kernel_device  # noqa: F401 (a fixture)
from tests.kernels.random_trees import random_parents, sibling_tokens

pytestmark = pytest.mark.filterwarnings(NOT_DETERMINISTIC)
SAMPLINGS = {
    "greedy": Sampling(),
    "T 1": Sampling(temperature=1.0),
    "T 0.6, top-k 5": Sampling(temperature=0.6, top_k=5),
    "T 1.4, top-p 0.8": Sampling(temperature=1.4, top_p=0.8),
    "both": Sampling(temperature=0.9, top_k=12, top_p=0.9),
}
VOCABULARY = 20


def random_tree(rng: random.Random) -> Tree:
    parents = random_parents(rng, rng.randrange(2, 8))
    return Tree(tuple(sibling_tokens(rng, parents, VOCABULARY)), tuple(parents))


def likely_path(tree: Tree, logits_NV: torch.Tensor, rng: random.Random) -> None:
    """Most nodes say one of their children."""
    for node, children in enumerate(tree.children):
        if children and rng.random() < 0.8:
            logits_NV[node, tree.tokens[rng.choice(children)]] += 9.0


@pytest.mark.parametrize("name", SAMPLINGS)
def test_it_says_what_the_host_says_and_takes_the_same_seeds(kernel_device, name):  # noqa: F811
    sampling, rng, accepted = SAMPLINGS[name], random.Random(7), 0
    generators = [torch.Generator().manual_seed(11) for _ in range(2)]
    verifiers = [verifier_for(sampling), DeviceVerifier(sampling)]
    for number in range(4):
        tree = random_tree(rng)
        logits_NV = torch.randn(len(tree), VOCABULARY, generator=torch.Generator().manual_seed(number)) * 2
        likely_path(tree, logits_NV, rng)
        host = verifiers[0](logits_NV, tree.tensors(), generators[0])
        device = verifiers[1](logits_NV.to(kernel_device), tree.tensors(kernel_device), generators[1])
        assert (device.path, device.token) == (host.path, host.token)
        assert torch.equal(*(generator.get_state() for generator in generators))
        assert device.path_R[: int(device.count)].tolist() == [*host.path]
        assert int(device.bonus) == host.token
        accepted += len(host.path) - 1
    assert accepted > 0


@pytest.mark.parametrize(("name", "turns"), [("greedy", 1), ("T 1", 1), ("T 1", 2), ("T 1.4, top-p 0.8", 2)])
def test_so_it_does_of_drawn_candidates(kernel_device, name, turns):  # noqa: F811
    sampling, generator = SAMPLINGS[name], torch.Generator().manual_seed(2)
    generators = [torch.Generator().manual_seed(5) for _ in range(2)]
    verifiers = [verifier_for(sampling), DeviceVerifier(sampling)]
    accepted = 0
    for _ in range(4):
        logits_NV = torch.randn(5, VOCABULARY, generator=generator) * 2
        q_NTV = (logits_NV[:, None] + torch.randn(5, turns, VOCABULARY, generator=generator)).softmax(dim=-1)
        tokens = [3]
        for node, children in ((0, 3), (1, 1)):
            left_TV = q_NTV[node].clone()
            for place in range(children):
                tokens.append(int(left_TV[place % turns].multinomial(1, generator=generator)))
                left_TV[:, tokens[-1]] = 0.0
        tree = Tree(tuple(tokens), (-1, 0, 0, 0, 1), drawn_from_NV=q_NTV[:, 0] if turns == 1 else q_NTV)
        host = verifiers[0](logits_NV, tree.tensors(), generators[0])
        device = verifiers[1](logits_NV.to(kernel_device), tree.tensors(kernel_device), generators[1])
        assert (device.path, device.token) == (host.path, host.token)
        assert torch.equal(*(generator.get_state() for generator in generators))
        accepted += len(host.path) - 1
    assert name == "greedy" or accepted > 0


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("name", ["greedy", "T 1", "both"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numpy, which computes with what is not finite
def test_logits_that_are_not_finite_are_refused_where_the_walk_ends(kernel_device, name, drawn):  # noqa: F811
    verifier, generator = DeviceVerifier(SAMPLINGS[name]), torch.Generator().manual_seed(0)
    laws_NV = torch.full((3, 8), 1 / 8) if drawn else None
    tree = Tree((1, 5, 4), (-1, 0, 0), drawn_from_NV=laws_NV).tensors(kernel_device)
    logits_NV = torch.full((3, 8), -90.0, device=kernel_device)
    logits_NV[0, 5] = logits_NV[1, 6] = 9.0
    logits_NV[2] = torch.nan  # behind the sibling that is refused
    verdict = verifier(logits_NV, tree, generator)
    assert (verdict.path, verdict.token) == ((0, 1), 6)
    logits_NV[1, 2] = torch.nan
    with pytest.raises(NotFiniteError):
        verifier(logits_NV, tree, generator)


def test_decoding_on_a_gpu_takes_it_and_a_drafter_may_know_its_noise():
    for sampling in SAMPLINGS.values():
        assert verifier_for(sampling, "cuda:0") == DeviceVerifier(sampling)
        assert races(verifier_for(sampling, "cuda")) == races(verifier_for(sampling)) == (not sampling.greedy)


@pytest.mark.parametrize(
    "sampling", [Sampling(temperature=0.7, top_k=4), Sampling(temperature=1.3, top_p=0.7)], ids=str
)
def test_filtered_logits_have_the_law_that_is_sampled(sampling):
    logits_NV = torch.randn(6, 30, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    law_NV = (sampling.filtered(logits_NV) / sampling.temperature).softmax(dim=-1)
    torch.testing.assert_close(law_NV, sampling.probabilities(logits_NV), rtol=1e-12, atol=0)
    plain = Sampling(temperature=0.7)
    assert plain.filtered(logits_NV) is logits_NV


@pytest.mark.parametrize(("size", "keep", "steps"), [(60, 15, 0.0), (60, 15, 0.5), (9, 20, 0.0)])
def test_a_pool_is_ranked_as_on_the_host(kernel_device, monkeypatch, size, keep, steps):  # noqa: F811
    scores, tokens, parents = pool(size, seed=size, steps=steps)
    sides = {"scores": scores, "tokens": tokens, "parents": parents}
    device = rerank(**{name: side.to(kernel_device) for name, side in sides.items()}, root=8, keep=keep)
    monkeypatch.setenv("OFFBOOK_KERNELS", "reference")
    host = rerank(**sides, root=8, keep=keep)
    assert (device.tokens, device.parents) == (host.tokens, host.parents)
    assert device.survival == pytest.approx(host.survival, rel=1e-12)


def test_a_pool_without_an_order_is_refused(kernel_device):  # noqa: F811
    scores, tokens, parents = (side.to(kernel_device) for side in pool(20, seed=0))
    scores[5] = torch.nan
    with pytest.raises(NotFiniteError, match="got NaN from the draft network; train the drafter anew"):
        rerank(scores=scores, tokens=tokens, parents=parents, root=0, keep=4)


def test_seeds_on_a_gpu_are_the_same_however_many_are_taken_at_once(kernel_device):  # noqa: F811
    generator = torch.Generator(kernel_device).manual_seed(3)
    ahead = seeds_ahead(6, generator)
    assert [int(new_seeds(1, generator)[0]) for _ in range(6)] == ahead.tolist()
