"""Sampling through a tree leaves the target's distribution alone, to what n draws can show; planted faults do not.

The target is a Markov chain whose exact joint distribution is enumerated in fp64. Rounds are played until LENGTH
tokens are committed, past accepted nodes, siblings and bonus tokens, and the joint, every pair and every single
position are compared by chi-square; all comparisons together reject a right verifier once in a million.
"""

import dataclasses
import functools
import itertools

import numpy as np
import pytest
import scipy.stats
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.controller import Everything
from offbook.engine.decoding.decode import decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import verifier_for
from tests.controls.verifiers import FAULTS, Faulty
from tests.engine.tiny_drafters import DrawnTrees, RandomTrees
from tests.tiny import tiny_model

VOCABULARY, LENGTH = 5, 4
ALPHA = 1e-6
GAMES = {"the bonus token at a leaf is drawn from the raw logits": 4_000, "one bonus token in ten is uniform": 2_500}
SAMPLINGS = {
    "T 0.5": Sampling(temperature=0.5),
    "T 1": Sampling(temperature=1.0),
    "T 2": Sampling(temperature=2.0),
    "top-p 0.9": Sampling(temperature=1.0, top_p=0.9),
    "top-k 3 at T 2": Sampling(temperature=2.0, top_k=3),
}
# Under each root two levels with siblings, the likelier ones not always first: (tokens, parents), root first.
SHAPES = [
    ((1, 3, 0, 2, 4), (0, 0, 1, 1, 3)),
    ((2, 4, 1, 0, 3, 2), (0, 0, 0, 1, 1, 2)),
    ((0, 4, 3, 2, 1, 0), (0, 0, 1, 2, 2, 2)),
    ((3, 1, 2, 4, 0, 1), (0, 0, 0, 3, 3, 5)),
    ((4, 0, 1, 2, 3), (0, 1, 1, 2, 2)),
]
TREES = [Tree((root, *tokens), (-1, *parents)) for root, (tokens, parents) in enumerate(SHAPES)]
TENSORS = [tree.tensors() for tree in TREES]
LOGITS = torch.randn(VOCABULARY, VOCABULARY, generator=torch.Generator().manual_seed(3), dtype=torch.float64) * 1.2
START = 0


def exact_joint(sampling):
    """Probability of every continuation of START, shape (V,) * LENGTH, fp64."""
    step_VV = sampling.probabilities(LOGITS).numpy()
    joint = step_VV[START]
    for _ in range(LENGTH - 1):
        joint = joint[..., None] * step_VV
    return joint


def played(verifier, n, seed=0, controller=None):
    """Counts of the first LENGTH committed tokens of n games, and in each how much of a tree a controller verifies."""
    controller = controller or Everything()
    generator = torch.Generator().manual_seed(seed)
    behind = [LOGITS[list(tree.tokens)].float() for tree in TREES]  # the target's logits behind each node
    counts = np.zeros((VOCABULARY,) * LENGTH)
    for _ in range(n):
        tokens, root = [], START
        controller.begin()
        while len(tokens) < LENGTH:
            tree = controller.cut(TREES[root], 4) if controller.drafts(4) else Tree((root,), (-1,))
            whole = tree is TREES[root]
            logits = behind[root] if whole else LOGITS[list(tree.tokens)].float()
            verdict = verifier(logits, TENSORS[root] if whole else tree.tensors(), generator)
            tokens += [*(tree.tokens[node] for node in verdict.path[1:]), int(verdict.bonus)]
            root = tokens[-1]
            controller.learn(tree, verdict.path, root)
        counts[tuple(tokens[:LENGTH])] += 1
    return counts


def p_value(counts, probabilities):
    """Chi-square of counts against probabilities; cells that expect fewer than five are pooled."""
    n = counts.sum()
    if counts[probabilities == 0].any():
        return 0.0
    counts, expected = counts[probabilities > 0], n * probabilities[probabilities > 0]
    small = expected < 5
    pooled = np.append(counts[~small], counts[small].sum()), np.append(expected[~small], expected[small].sum())
    (counts, expected) = (a[pooled[1] > 0] for a in pooled)
    statistic = ((counts - expected) ** 2 / expected).sum()
    return float(scipy.stats.chi2.sf(statistic, len(expected) - 1)) if len(expected) > 1 else 1.0


def smallest_p(counts, joint):
    """The smallest p of the joint, all pairs and all single positions, times their number (Bonferroni)."""
    axes = range(counts.ndim)
    views = [s for r in (1, 2, counts.ndim) for s in itertools.combinations(axes, r)]
    away = [tuple(a for a in axes if a not in view) for view in views]
    return len(views) * min(p_value(counts.sum(axis=a), joint.sum(axis=a)) for a in away)


@pytest.mark.parametrize(
    ("name", "n"),
    [
        *((name, 4_000 if name == "T 1" else 2_000) for name in SAMPLINGS),
        pytest.param("T 1", 12_000, marks=pytest.mark.slow),
    ],
)
def test_the_verifier_leaves_the_joint_distribution_alone(name, n):
    sampling = SAMPLINGS[name]
    assert smallest_p(played(verifier_for(sampling), n), exact_joint(sampling)) > ALPHA


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_rejected(fault):
    sampling = SAMPLINGS["T 0.5" if "raw" in fault else "T 1"]
    assert smallest_p(played(FAULTS[fault](sampling), GAMES.get(fault, 1_200)), exact_joint(sampling)) < ALPHA


def test_raw_bonus_tokens_are_rejected_under_top_p_too():
    sampling = SAMPLINGS["top-p 0.9"]
    verifier = FAULTS["the bonus token at a leaf is drawn from the raw logits"](sampling)
    assert smallest_p(played(verifier, 300), exact_joint(sampling)) < ALPHA


def test_without_its_fault_the_control_passes():
    sampling = SAMPLINGS["T 1"]
    assert smallest_p(played(Faulty(sampling=sampling), 2_500), exact_joint(sampling)) > ALPHA


def test_a_total_variation_of_two_percent_is_seen():
    """Of counts at the exact expectation plus a shift of 2 % of mass between two tokens of one position."""
    joint = exact_joint(SAMPLINGS["T 1"])
    n, shifted = 12_000, joint.copy()
    moved = 0.02 / joint.sum(axis=(0, 1, 3))[0] * joint[:, :, 0]
    shifted[:, :, 0] -= moved
    shifted[:, :, 1] += moved
    assert abs(shifted - joint).sum() / 2 == pytest.approx(0.02, rel=0.01)
    rejected = [smallest_p(np.random.default_rng(seed).multinomial(n, shifted.ravel()).reshape(joint.shape), joint)
                < ALPHA for seed in range(10)]  # fmt: skip
    assert sum(rejected) >= 5


def test_the_same_seed_commits_the_same_tokens():
    verifier = verifier_for(SAMPLINGS["T 1"])
    assert (played(verifier, 50, seed=1) == played(verifier, 50, seed=1)).all()
    assert (played(verifier, 50, seed=1) != played(verifier, 50, seed=2)).any()


# --- end to end, through the loop and a real target ---

SIZE, TOKENS, ANSWERS = 8, 3, 500
PROMPT = torch.tensor([[1, 5, 2]])


@functools.cache
def loop_target():
    return Backbone(tiny_model("llama", vocab_size=SIZE, num_hidden_layers=1, initializer_range=0.45))


def enumerated(backbone, sampling):
    """The target's joint over TOKENS tokens, from its own forwards."""
    joint = np.ones(())
    with torch.inference_mode():
        for depth in range(TOKENS):
            prefixes = torch.tensor(list(itertools.product(range(SIZE), repeat=depth)), dtype=torch.long)
            rows = torch.cat([PROMPT.expand(len(prefixes), -1), prefixes.reshape(len(prefixes), depth)], dim=1)
            backbone.use_native_attention()
            logits = backbone.model(rows, use_cache=False).logits[:, -1].double()
            backbone.use_tree_attention()
            joint = joint[..., None] * sampling.probabilities(logits).numpy().reshape((SIZE,) * (depth + 1))
    return joint


def decoded(backbone, sampling, n, verifier=None, drafter=None):
    likely = [int(token) for token in np.unravel_index(enumerated(backbone, sampling).argmax(), (SIZE,) * TOKENS)]
    drafter = drafter or RandomTrees(likely, vocabulary=SIZE, max_nodes=6, hit=0.5, seed=0)
    limits, generator = Limits(max_new_tokens=TOKENS + 1), torch.Generator().manual_seed(0)
    counts, accepted = np.zeros((SIZE,) * TOKENS), 0
    for _ in range(n):
        generation = decode(
            backbone,
            drafter,
            PROMPT,
            sampling=sampling,
            limits=limits,
            generator=generator,
            stop=Stop(limits, None),
            verifier=verifier,
        )
        counts[generation.tokens[:TOKENS]] += 1  # the one behind them leaves room for a bonus
        accepted += sum(r.accepted for r in generation.rounds)
    assert accepted > n / 4  # the trees are not just refused
    return counts


def test_the_loop_samples_from_the_target():
    backbone, sampling = loop_target(), Sampling(temperature=1.0)
    assert smallest_p(decoded(backbone, sampling, ANSWERS), enumerated(backbone, sampling)) > ALPHA


def test_the_loop_shows_a_planted_fault():
    backbone, sampling = loop_target(), Sampling(temperature=1.0)
    verifier = FAULTS["rejected siblings stay in the residual"](sampling)
    assert smallest_p(decoded(backbone, sampling, ANSWERS, verifier), enumerated(backbone, sampling)) < ALPHA


def laws():
    return torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(4)).softmax(dim=-1)


@pytest.mark.parametrize("sampling", [
    Sampling(temperature=1.0), pytest.param(Sampling(temperature=1.0, top_p=0.8), marks=pytest.mark.slow),
], ids=str)  # fmt: skip
def test_the_loop_samples_from_the_target_with_drawn_candidates(sampling):
    counts = decoded(loop_target(), sampling, ANSWERS, drafter=DrawnTrees(laws(), seed=1))
    assert smallest_p(counts, enumerated(loop_target(), sampling)) > ALPHA


def test_the_loop_shows_a_law_that_was_not_drawn_from():
    class Mistaken(DrawnTrees):
        """Names laws that are sharper than those it draws from."""

        def propose(self):
            tree = super().propose()
            sharper = tree.drawn_from_NV**6
            return dataclasses.replace(tree, drawn_from_NV=sharper / sharper.sum(dim=-1, keepdim=True))

    sampling = Sampling(temperature=1.0)
    counts = decoded(loop_target(), sampling, ANSWERS, drafter=Mistaken(laws(), seed=1))
    assert smallest_p(counts, enumerated(loop_target(), sampling)) < ALPHA


@pytest.mark.parametrize(
    "laws_NV", [torch.full((1, 4), 0.25), torch.full((2, 1), 1.0), torch.tensor([[1.0, 0.0], [0.5, 0.5]])]
)
def test_laws_under_which_a_candidate_could_not_be_drawn_are_refused(laws_NV):
    with pytest.raises(ValueError, match="every candidate may be drawn behind its parent"):
        Tree((0, 1), (-1, 0), drawn_from_NV=laws_NV)


def test_the_law_that_a_candidate_was_drawn_from_is_the_one_whose_turn_it_was():
    laws_NTV = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).expand(3, 2, 2)
    assert Tree((0, 1, 0), (-1, 0, 0), drawn_from_NV=laws_NTV).children[0] == (1, 2)
    with pytest.raises(ValueError, match="every candidate may be drawn behind its parent"):
        Tree((0, 0, 1), (-1, 0, 0), drawn_from_NV=laws_NTV)
