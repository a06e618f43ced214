"""MIND's alternatives where the sources leave a choice (README, "Choices"): each does what its name says."""

import math
from typing import Any

import pytest
import torch

from offbook.engine.students.branches import branch_attention
from offbook.engine.students.learnability import measure
from offbook.engine.students.paths import encode_corpus
from offbook.methods.mind.calibration import Direction, MetaUpdater, meta_loss, standardised
from offbook.methods.mind.inertia import ItemTrend, PerspectiveTrend
from offbook.methods.mind.metanet import MetaNet
from offbook.methods.mind.objective import MindTraining, mind_objective
from offbook.methods.mind.options import MindOptions
from offbook.methods.mind.selection import floored, select
from tests.methods.mind_corpus import NAMES, TOKENIZER, mind_corpus, mind_paths, opinionated, path_vectors
from tests.tiny import tiny_model

K, E = 5, 7
ALL = torch.ones(2, K, dtype=torch.bool)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def training(**options: Any) -> MindTraining:
    """MIND before its first step, the untouched losses drawn at random and MetaNet not warmed up."""
    table = 0.2 * draw(4, len(NAMES)).float().masked_fill(~mind_corpus().path_mask, torch.nan)
    settings = MindOptions(warmup_epochs=0, **options)
    objective = mind_objective(mind_paths(), path_vectors(), NAMES, table, settings, seed=0)
    tested = objective.state[1]
    assert isinstance(tested, MindTraining)
    opinionated(tested.updater.network)
    return tested


def step(tested: MindTraining, question: int = 0) -> dict[str, float]:
    student = tiny_model()
    with branch_attention(student):
        part = tested.loss(student, question, 0.0)
    return {**part.log, **tested.after_step([part.memory])}


# --- inertia ---


def test_an_items_trend_is_its_own_average() -> None:
    trend, first, second = ItemTrend(3, K, 0.9), draw(2, K), draw(1, K, seed=1)
    relative = first - first.mean(1, keepdim=True)
    torch.testing.assert_close(trend.filter([2, 0], first, ALL), relative)
    moved = 0.9 * relative[:1] + 0.1 * (second - second.mean())
    torch.testing.assert_close(trend.filter([2], second, ALL[:1]), moved)
    torch.testing.assert_close(trend.trend_NK[0], relative[1])
    assert trend.trend_NK[1].isnan().all()
    later = ItemTrend(3, K, 0.9)
    later.load_state_dict(trend.state_dict())
    torch.testing.assert_close(later.filter([2], second, ALL[:1]), trend.filter([2], second, ALL[:1]))


def test_an_item_without_a_path_has_no_trend_there() -> None:
    trend, mask, losses = ItemTrend(2, K, 0.9), ALL.clone(), draw(2, K)
    mask[1, 3], losses[1, 3] = False, torch.nan
    for _ in range(2):
        assert trend.filter([0, 1], losses, mask).isfinite().all()
    assert trend.trend_NK.isnan().sum() == 1


def test_inertia_names_the_trend() -> None:
    assert isinstance(training().updater.trend, PerspectiveTrend)
    tested = training(inertia="item")
    step(tested, 1)
    assert isinstance(tested.updater.trend, ItemTrend)
    assert tested.updater.trend.trend_NK.isnan().tolist() == [[True] * 3, [False, True, False], [True] * 3, [True] * 3]


# --- selection and weights ---


@pytest.mark.parametrize("shift", [-3.0, 0.0, 3.0])
def test_min_max_stretches_the_scores_before_the_printed_rule(shift: float) -> None:
    scores, mask = torch.tensor([0.0, 0.5, 0.69, 0.71, 1.0, 9.0]) + shift, torch.tensor([True] * 5 + [False])
    kept = select(scores, mask, rule="min_max", beta=0.7, tau=0.1)
    assert kept.tolist() == [False, False, False, True, True, False]


def test_min_max_keeps_the_best_alone_at_its_strictest_and_equals_together() -> None:
    for seed in range(20):
        scores = draw(K, seed=seed).float()
        assert select(scores, ALL[0], rule="min_max", beta=1.0, tau=0.1).tolist() == (scores == scores.max()).tolist()
    assert select(torch.zeros(K), ALL[0], rule="min_max", beta=1.0, tau=0.1).all()


def test_top_m_keeps_the_m_best_that_are_there() -> None:
    scores, mask = torch.tensor([0.3, 0.1, 0.9, 0.2, 0.8]), torch.tensor([True, True, False, True, True])
    assert select(scores, mask, rule="top_m", beta=0.3, tau=0.1, keep=2).nonzero().flatten().tolist() == [0, 4]
    assert torch.equal(select(scores, mask, rule="top_m", beta=0.3, tau=0.1, keep=9), mask)
    assert step(training(selection="top_m", keep=2))["kept"] == 2


def test_the_floor_leaves_no_path_without_weight() -> None:
    mask = torch.tensor([True, True, False, True])
    alpha = floored(torch.tensor([1.0, 0.0, 0.0, 0.0]), mask, 0.3)
    torch.testing.assert_close(alpha, torch.tensor([0.8, 0.1, 0.0, 0.1]))
    found = step(training(beta=1.0, floor=0.3))
    assert sorted(found[f"alpha/{name}"] for name in NAMES) == pytest.approx([0.1, 0.1, 0.8])
    assert found["kept"] == 3


# --- MetaNet ---


def test_a_shared_head_scores_all_paths_alike() -> None:
    network = opinionated(MetaNet(vector_width=E, perspectives=K, heads="shared"))
    assert len(network.heads) == 1
    with torch.no_grad():
        network.perspective_KD.zero_()
    vectors, order = draw(2, K, E).float(), torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(network(vectors[:, order], ALL), network(vectors, ALL)[:, order])


def test_mean_heads_are_the_mean_of_the_score_matrix_and_own_ones_its_diagonal() -> None:
    vectors = draw(2, K, E).float()
    mean = opinionated(MetaNet(vector_width=E, perspectives=K, heads="mean"))
    torch.testing.assert_close(mean(vectors, ALL), mean.score_matrix(vectors, ALL).mean(1))
    own = opinionated(MetaNet(vector_width=E, perspectives=K))
    torch.testing.assert_close(own(vectors, ALL)[:, 1], own.score_matrix(vectors, ALL)[:, 1, 1])


def test_heads_reach_metanet() -> None:
    assert len(training(heads="shared").updater.network.heads) == 1
    assert not training(heads="mean").updater.network.own
    assert training().updater.network.own


# --- calibration ---


def test_the_symmetric_divergence_is_the_mean_of_both_directions() -> None:
    scores, losses, mask = 0.2 * draw(2, K), 0.2 * draw(2, K, seed=1), ALL.clone()
    mask[0, 2] = False
    directions: tuple[Direction, ...] = ("prediction_target", "target_prediction", "symmetric")
    values = [meta_loss(scores, losses, mask, tau=0.1, direction=direction) for direction in directions]
    torch.testing.assert_close(values[2], (values[0] + values[1]) / 2)
    assert values[0] != values[1]
    assert training(direction="symmetric").updater.direction == "symmetric"


def test_standardised_losses_have_one_spread_in_every_question() -> None:
    losses, mask = draw(3, K) * torch.tensor([[0.01], [1.0], [0.0]]) + 7, torch.ones(3, K, dtype=torch.bool)
    mask[0, 1], losses[0, 1] = False, torch.nan
    found = standardised(losses, mask)
    assert found[0, 1] == 0
    for row, there in zip(found[:2], mask, strict=False):
        assert row[there].mean() == pytest.approx(0, abs=1e-9)
        assert row[there].std(correction=0) == pytest.approx(1)
    assert (found[2] == 0).all()


def test_standardised_losses_are_what_metanet_and_instantaneous_scores_see() -> None:
    plain, scaled = (training(standardised=True, sd_floor=0.0) for _ in range(2))
    mask = plain.path_mask_NK
    losses = plain.losses_NK.nan_to_num(0.0)
    assert plain.updater.update(range(4), path_vectors(), losses, mask) == pytest.approx(
        scaled.updater.update(range(4), path_vectors(), 3 * losses + 1, mask), rel=1e-4
    )
    tested = training(scores="instantaneous", standardised=True, sd_floor=0.0, selection="all", tau_student=1.0)
    found = step(tested)
    expected = (-standardised(tested.losses_NK[:1], mask[:1]))[0].softmax(-1)
    assert [found[f"alpha/{name}"] for name in NAMES] == pytest.approx(expected.tolist(), rel=1e-4)


def test_the_entropy_bonus_pays_for_using_all_perspectives() -> None:
    def updated(bonus: float) -> MetaUpdater:
        raw = {"standardised": False, "tau": 0.1}
        tested = training(entropy_bonus=bonus, meta_rate=1e-2, accumulation=1, **raw).updater
        mask = mind_corpus().path_mask
        easy = torch.tensor([[0.0, 1.0, 1.0]]).expand(4, 3)
        for _ in range(30):
            assert math.isfinite(tested.update(range(4), path_vectors(), easy, mask))
        return tested

    def largest_share(tested: MetaUpdater) -> float:
        scores = torch.stack([tested.scores(path_vectors()[n], mind_corpus().path_mask[n]) for n in range(4)])
        return float((scores / tested.tau).softmax(-1).mean(0).max())

    assert largest_share(updated(0.0)) > 0.95
    assert largest_share(updated(10.0)) < 0.8


def test_a_perspective_that_is_missing_everywhere_leaves_the_entropy_bonus_finite() -> None:
    tested = training(entropy_bonus=1.0, accumulation=1).updater
    mask = mind_corpus().path_mask.clone()
    mask[:, 1] = False
    assert math.isfinite(tested.update(range(4), path_vectors(), torch.rand(4, 3), mask))
    assert all(p.isfinite().all() for p in tested.network.parameters())


# --- what is learnable, and what is learned ---


@pytest.mark.parametrize("of", ["rationale", "answer"])
def test_learnability_replaces_the_losses_metanet_learns_and_not_the_students(of: Any) -> None:
    usual, tested = training(selection="top_m", keep=2), training(selection="top_m", keep=2, learnability=of)
    found = [step(usual), step(tested)]
    assert found[0]["fine_tuning"] == found[1]["fine_tuning"]
    student = tiny_model()
    with branch_attention(student):
        expected = measure(student, mind_paths()[0], [0, 1, 2], [of])[:, 0]
    torch.testing.assert_close(tested.losses_NK[0], expected)
    assert not torch.allclose(usual.losses_NK[0], expected)


def test_a_tagged_rationale_opens_with_its_perspectives_name() -> None:
    tagged = encode_corpus(mind_corpus(), TOKENIZER, max_length=400, tagged=True)
    for question, plain, found in zip(mind_corpus().questions, mind_paths(), tagged, strict=True):
        assert found.prompt == plain.prompt
        for name, r, p in zip(NAMES, found.responses, plain.responses, strict=True):
            if r is None or p is None:
                assert r is p
                continue
            assert TOKENIZER.decode(r.tokens) == f"{name}:\n{TOKENIZER.decode(p.tokens)}"
            assert TOKENIZER.decode([r.tokens[i] for i in r.answer]) == question.answer
