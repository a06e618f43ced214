"""MIND's equations against their checks (README, "Checks"), and mistakes that the same checks must reject."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from offbook.engine.students.branches import Branches, branch_means, lay_out
from offbook.engine.students.divergence import jensen_shannon
from offbook.engine.students.paths import Response
from offbook.engine.students.predictions import Predictions
from offbook.methods.mind.calibration import MetaUpdater, meta_loss
from offbook.methods.mind.inertia import PerspectiveTrend
from offbook.methods.mind.losses import consistency, fine_tuning
from offbook.methods.mind.metanet import MetaNet
from offbook.methods.mind.monitor import observe, spearman
from offbook.methods.mind.selection import select, weights
from tests.methods.mind_corpus import NAMES, TOKENIZER, mind_corpus, mind_paths, opinionated

TAU = 0.1
K, E = 5, 7
ALL = torch.ones(2, K, dtype=torch.bool)
QUESTIONS = (0, 1)
MetaLoss = Callable[..., torch.Tensor]


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(**changes: Any) -> MetaNet:
    torch.manual_seed(0)
    return opinionated(MetaNet(vector_width=E, perspectives=K, **changes))


def of_logits(logits_NV: torch.Tensor) -> Predictions:
    return Predictions(states_NH=logits_NV, head_VH=None)


def updater(kind: type[MetaUpdater] = MetaUpdater, **changes: Any) -> MetaUpdater:
    settings: dict[str, Any] = {"tau": TAU, "rate": 1e-2, "accumulation": 1, "direction": "prediction_target"}
    settings |= changes
    return kind(network(), PerspectiveTrend(K, settings.pop("rho", 0.9), window=2), **settings)


# --- 1: the meta loss ---


def check_perfect_scores(loss: MetaLoss) -> None:
    losses = 0.2 * draw(2, K)
    scores = (-losses + 3.0).requires_grad_()
    value = loss(scores, losses, ALL, tau=TAU)
    value.backward()
    torch.testing.assert_close(value, torch.zeros_like(value), atol=1e-12, rtol=0)
    torch.testing.assert_close(scores.grad, torch.zeros_like(losses), atol=1e-12, rtol=0)


def check_gradient_as_derived(loss: MetaLoss) -> None:
    losses, scores = 0.2 * draw(1, K), (0.2 * draw(1, K, seed=1)).requires_grad_()
    value = loss(scores, losses, ALL[:1], tau=TAU)
    value.backward()
    p, q = (scores / TAU).softmax(-1).detach(), (-losses / TAU).softmax(-1)
    torch.testing.assert_close(value, (p * (p / q).log()).sum())
    torch.testing.assert_close(scores.grad, p / TAU * ((p / q).log() - value.detach()))


def swapped_arguments(scores: torch.Tensor, losses: torch.Tensor, mask: torch.Tensor, *, tau: float) -> torch.Tensor:
    """Wrong: `kl_div(input, target)` is KL(target ‖ input)."""
    log_p, q = (scores / tau).log_softmax(-1), (-losses / tau).softmax(-1)
    return functional.kl_div(log_p, q, reduction="batchmean")


def test_scores_that_equal_the_negative_losses_cost_nothing_and_stay() -> None:
    check_perfect_scores(meta_loss)
    check_perfect_scores(lambda *a, **k: meta_loss(*a, **k, direction="target_prediction"))


def test_the_meta_loss_and_its_gradient_are_the_printed_ones() -> None:
    check_gradient_as_derived(meta_loss)


def test_arguments_swapped_in_torchs_divergence_are_rejected() -> None:
    check_perfect_scores(swapped_arguments)  # the optimum does not tell the directions apart
    with pytest.raises(AssertionError):
        check_gradient_as_derived(swapped_arguments)


def test_the_other_direction_is_textbook_listnet() -> None:
    losses, scores = 0.2 * draw(2, K), 0.2 * draw(2, K, seed=1)
    value = meta_loss(scores, losses, ALL, tau=TAU, direction="target_prediction")
    torch.testing.assert_close(value, swapped_arguments(scores, losses, ALL, tau=TAU))


@pytest.mark.parametrize("direction", ["prediction_target", "target_prediction"])
def test_the_meta_loss_is_that_of_the_paths_that_are_there(direction: Any) -> None:
    mask = torch.tensor([[True, False, True, True, False]])
    losses, scores = 0.2 * draw(1, K), 0.2 * draw(1, K, seed=1)
    alone = meta_loss(scores[mask][None], losses[mask][None], torch.ones(1, 3).bool(), tau=TAU, direction=direction)
    losses[~mask] = torch.nan
    scores = scores.masked_fill(~mask, -torch.inf).requires_grad_()
    value = meta_loss(scores, losses, mask, tau=TAU, direction=direction)
    torch.testing.assert_close(value, alone)
    value.backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()


# --- 2, 6: selection ---


def check_shift_free(rule: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    mask = torch.ones(K, dtype=torch.bool)
    for seed in range(20):
        scores = 0.15 * draw(K, seed=seed)
        kept = rule(scores, mask)
        assert kept.any()
        for shift in (-3.0, -1.0, 3.0):
            assert torch.equal(rule(scores + shift, mask), kept)
            alpha, shifted = (weights(s, kept, tau_student=0.2) for s in (scores, scores + shift))
            torch.testing.assert_close(shifted, alpha)


def relative(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return select(scores, mask, rule="relative", beta=0.3, tau=TAU)


def literal_on_raw_scores(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Wrong: the printed rule without scores in (0, 1)."""
    return select(scores, mask, rule="literal", beta=0.3, tau=TAU)


def test_a_constant_in_the_scores_changes_neither_loss_nor_selection_nor_weights() -> None:
    check_shift_free(relative)
    losses, scores = 0.2 * draw(2, K), 0.2 * draw(2, K, seed=1)
    torch.testing.assert_close(meta_loss(scores - 3, losses, ALL, tau=TAU), meta_loss(scores, losses, ALL, tau=TAU))


def test_the_printed_rule_on_raw_scores_is_rejected() -> None:
    with pytest.raises(AssertionError):
        check_shift_free(literal_on_raw_scores)


def test_the_relative_rule_keeps_what_is_likely_enough_beside_the_best() -> None:
    scores = 0.15 * draw(K)
    p = (scores / TAU).softmax(-1)
    assert torch.equal(relative(scores, ALL[0]), p >= 0.3 * p.max())


def test_the_printed_rule_keeps_scores_beside_the_best() -> None:
    scores = torch.tensor([0.9, 0.62, 0.64, 0.1, 0.95])
    assert select(scores, ALL[0], rule="literal", beta=0.7, tau=TAU).tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("rule", ["relative", "literal"])
def test_the_selections_limits_are_uniform_fine_tuning_and_the_best_path(rule: Any) -> None:
    scores, branches = (0.3 * draw(K)).sigmoid(), lay_out([1, 2], [Response(tokens=(3, 4), answer=(0,))] * K)
    predictions = of_logits(draw(2 * K, 9, seed=1).float())
    losses = branch_means(predictions.nll(branches.targets_N), branches)
    kept = select(scores, ALL[0], rule=rule, beta=0.0, tau=TAU)
    alpha = weights(scores, kept, tau_student=1e9)
    torch.testing.assert_close(fine_tuning(predictions, branches, alpha).loss, losses.mean())
    kept = select(scores, ALL[0], rule=rule, beta=1.0, tau=TAU)
    alpha = weights(scores, kept, tau_student=0.2)
    torch.testing.assert_close(fine_tuning(predictions, branches, alpha).loss, losses[scores.argmax()])


def test_without_selection_every_path_that_is_there_is_kept() -> None:
    mask = torch.tensor([True, False, True, True, True])
    assert torch.equal(select(draw(K), mask, rule="all", beta=1.0, tau=TAU), mask)


# --- 3, 7: MetaNet ---


def test_permuted_paths_have_permuted_scores_when_perspectives_are_tied() -> None:
    tied = network()
    with torch.no_grad():
        tied.perspective_KD.zero_()
        for head in tied.heads:
            head.load_state_dict(tied.heads[0].state_dict())
    vectors, order = draw(2, K, E).float(), torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(tied(vectors[:, order], ALL), tied(vectors, ALL)[:, order])


def test_heads_and_embeddings_tell_the_perspectives_apart() -> None:
    same = draw(2, 1, E).float().expand(2, K, E)
    assert network()(same, ALL).std() > 1e-3


def test_a_missing_path_gets_no_weight_and_is_not_attended_to() -> None:
    net, mask = network(), torch.tensor([[True, True, False, True, False]])
    vectors = draw(1, K, E).float()
    scores = net(vectors, mask)
    vectors[~mask] = torch.nan
    torch.testing.assert_close(net(vectors, mask), scores)
    assert (scores[~mask] == -torch.inf).all()
    alpha = weights(scores[0], relative(scores[0], mask[0]), tau_student=0.2)
    assert (alpha[~mask[0]] == 0).all()
    torch.testing.assert_close(alpha.sum(), torch.tensor(1.0))
    net(vectors, mask)[mask].sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_paths_see_each_other_through_attention_only() -> None:
    vectors = draw(1, K, E).float()
    changed = vectors.clone()
    changed[0, 0] += 1.0
    for attention in (True, False):
        net = network(attention=attention)
        moved = (net(changed, ALL[:1]) - net(vectors, ALL[:1]))[0, 1:].abs().max()
        assert (moved > 0) == attention


def test_bounded_scores_lie_between_nought_and_one() -> None:
    scores = network(bounded=True)(draw(2, K, E).float(), ALL)
    assert ((scores > 0) & (scores < 1)).all()


def test_metanet_has_the_size_of_the_specification() -> None:
    count = sum(p.numel() for p in MetaNet(vector_width=768, perspectives=8).parameters())
    assert 0.5e6 < count < 1e6


# --- 4: gradients stay apart ---


def check_gradients_stay_apart(tested: MetaUpdater) -> None:
    theta = (0.2 * draw(2, K).float()).requires_grad_()
    losses, vectors = theta.square(), draw(2, K, E).float()
    scores = tested.scores(vectors[0], ALL[0])
    kept = select(scores, ALL[0], rule="relative", beta=0.3, tau=TAU)
    alpha = (scores / 0.2).masked_fill(~kept, -torch.inf).softmax(-1)  # not detached: `scores` must be
    (alpha * losses[0]).sum().backward(retain_graph=True)
    assert all(p.grad is None for p in tested.network.parameters())
    assert theta.grad is not None
    before = theta.grad.clone()
    tested.update(QUESTIONS, vectors, losses, ALL)
    assert torch.equal(theta.grad, before)


class LeaksIntoMetaNet(MetaUpdater):
    """Wrong: scores that carry MetaNet's graph into the student's loss."""

    def scores(self, vectors_KE: torch.Tensor, path_mask_K: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            scores_BK: torch.Tensor = self.network(vectors_KE[None], path_mask_K[None])
        return scores_BK[0]


class LeaksOutOfMetaNet(MetaUpdater):
    """Wrong: losses that carry the student's graph into L_meta."""

    def update(self, questions: Any, vectors_BKE: Any, losses_BK: Any, path_mask_BK: Any) -> float:
        loss = self._loss(vectors_BKE, losses_BK, path_mask_BK)
        loss.backward()
        return float(loss.detach())


def test_no_gradient_passes_between_student_and_metanet() -> None:
    check_gradients_stay_apart(updater())
    branches, alpha = lay_out([1, 2], RESPONSES), torch.full((3,), 0.2).requires_grad_()
    assert not fine_tuning(of_logits(draw(11, 9).float()), branches, alpha).loss.requires_grad
    assert not weights(draw(K).requires_grad_(), ALL[0], tau_student=0.2).requires_grad


@pytest.mark.parametrize("leak", [LeaksIntoMetaNet, LeaksOutOfMetaNet])
def test_a_gradient_that_leaks_is_rejected(leak: type[MetaUpdater]) -> None:
    with pytest.raises(AssertionError):
        check_gradients_stay_apart(updater(leak))


# --- 3, 5, 8: the student's losses ---


def check_length_counts_for_nothing(path_loss: Callable[[torch.Tensor, Branches, int], torch.Tensor]) -> None:
    once, twice = Response(tokens=(3, 4, 5), answer=(1,)), Response(tokens=(3, 4, 5, 3, 4, 5), answer=(4,))
    branches = lay_out([1, 2], [once, twice])
    rows = draw(3, 9).float()
    short, long = (path_loss(torch.cat([rows, rows, rows]), branches, k) for k in (0, 1))
    torch.testing.assert_close(short, functional.cross_entropy(rows, torch.tensor([3, 4, 5])))
    torch.testing.assert_close(long, short)


def of_one_path(logits_NV: torch.Tensor, branches: Branches, path: int) -> torch.Tensor:
    alpha = functional.one_hot(torch.tensor(path), 2).float()
    return fine_tuning(of_logits(logits_NV), branches, alpha).loss


def summed(logits_NV: torch.Tensor, branches: Branches, path: int) -> torch.Tensor:
    """Wrong: long styles lose for their length."""
    start, end = branches.starts[path : path + 2]
    return of_logits(logits_NV).nll(branches.targets_N)[start:end].sum()


def test_a_paths_loss_is_a_mean_over_its_tokens() -> None:
    check_length_counts_for_nothing(of_one_path)


def test_a_loss_without_length_normalisation_is_rejected() -> None:
    with pytest.raises(AssertionError):
        check_length_counts_for_nothing(summed)


def test_divergence_is_nought_for_equal_and_ln_2_for_disjoint_distributions() -> None:
    p = draw(4, 9).log_softmax(-1)
    torch.testing.assert_close(jensen_shannon(p, p), torch.zeros(()).double(), atol=1e-12, rtol=0)
    one, other = (1e4 * functional.one_hot(torch.tensor([k, k]), 9).double() for k in (0, 1))
    torch.testing.assert_close(
        jensen_shannon(one.log_softmax(-1), other.log_softmax(-1)), torch.tensor(math.log(2)).double()
    )


def test_divergence_equals_its_definition() -> None:
    p, q = draw(4, 9).softmax(-1), draw(4, 9, seed=1).softmax(-1)
    m = (p + q) / 2
    wanted = ((p * (p / m).log()).sum(-1) / 2 + (q * (q / m).log()).sum(-1) / 2).mean()
    torch.testing.assert_close(jensen_shannon(p.log(), q.log()), wanted)


RESPONSES = [
    Response(tokens=(3, 4, 5, 6), answer=(1, 2)),
    Response(tokens=(7, 4, 5), answer=(1, 2)),
    Response(tokens=(4, 5, 8, 2), answer=(0, 1)),
]


def test_consistency_sums_weighted_pairs_and_moves_both_sides() -> None:
    branches, alpha = lay_out([1, 2], RESPONSES), torch.tensor([0.5, 0.3, 0.2])
    logits = draw(11, 9).float().requires_grad_()
    value = consistency(of_logits(logits), branches, alpha).sum()
    rows = [logits[list(a)].log_softmax(-1) for a in branches.answers]
    pairs = [(0, 1), (0, 2), (1, 2)]
    torch.testing.assert_close(value, sum(alpha[i] * alpha[j] * jensen_shannon(rows[i], rows[j]) for i, j in pairs))
    value.backward()
    assert logits.grad is not None
    moved = logits.grad.abs().sum(-1) > 0
    assert moved.nonzero().flatten().tolist() == sorted(i for a in branches.answers for i in a)


def test_a_single_path_has_the_whole_weight_and_nothing_to_agree_with() -> None:
    mask = torch.tensor([False, True, False, False, False])
    scores = draw(K).masked_fill(~mask, -torch.inf)
    alpha = weights(scores, relative(scores, mask), tau_student=0.2)
    assert alpha.tolist() == [0, 1, 0, 0, 0]
    assert consistency(of_logits(draw(4, 9)), lay_out([1, 2], RESPONSES[:1]), alpha[mask]) == 0


def test_answers_decode_to_the_same_string_from_all_paths() -> None:
    for question, paths in zip(mind_corpus().questions, mind_paths(), strict=True):
        present = [r for r in paths.responses if r is not None]
        branches = lay_out(paths.prompt, present)
        found = {TOKENIZER.decode(branches.targets_N[list(a)]) for a in branches.answers}
        assert found == {question.answer}


# --- inertia ---


def relative_to_mean(values: torch.Tensor) -> torch.Tensor:
    return values - values.mean(1, keepdim=True)


def test_the_trend_is_an_average_that_its_first_observation_starts() -> None:
    trend, first, second = PerspectiveTrend(K, 0.9, window=2), draw(2, K), draw(2, K, seed=1)
    torch.testing.assert_close(trend.filter(QUESTIONS, first, ALL), relative_to_mean(first))
    m = 0.9 * first.mean(0) + 0.1 * second.mean(0)
    torch.testing.assert_close(
        relative_to_mean(trend.filter(QUESTIONS, second, ALL)), relative_to_mean(m + second - second.mean(0))
    )


def test_without_memory_the_losses_are_left_as_they_are() -> None:
    trend = PerspectiveTrend(K, 0.0, window=2)
    for seed in range(3):
        losses = draw(2, K, seed=seed)
        torch.testing.assert_close(trend.filter(QUESTIONS, losses, ALL), relative_to_mean(losses))


def test_a_step_of_one_question_keeps_what_is_its_own() -> None:
    """Its mean is over the last questions: over itself alone it would be the trend, whatever the question."""
    trend, losses = PerspectiveTrend(K, 0.9, window=3), relative_to_mean(draw(6, K))
    m = losses[0]
    for i, one in enumerate(losses):
        mean = losses[max(0, i - 2) : i + 1].mean(0)
        m = 0.9 * m + 0.1 * mean
        torch.testing.assert_close(trend.filter([0], one[None], ALL[:1]), (m + one - mean)[None])
    assert not torch.allclose(m + one - mean, m)


def test_a_step_of_more_questions_than_the_window_is_its_own_mean() -> None:
    trend, losses = PerspectiveTrend(K, 0.9, window=2), relative_to_mean(draw(5, K))
    trend.filter([0], draw(1, K, seed=1), ALL[:1])
    m = trend.trend_K
    filtered = trend.filter(range(5), losses, torch.ones(5, K, dtype=torch.bool))
    torch.testing.assert_close(filtered, 0.9 * m + 0.1 * losses.mean(0) + losses - losses.mean(0))


def test_a_missing_path_leaves_its_perspectives_trend_alone() -> None:
    trend, mask = PerspectiveTrend(K, 0.9, window=2), ALL.clone()
    trend.filter(QUESTIONS, draw(2, K), ALL)
    before = trend.trend_K.clone()
    mask[:, 2] = False
    losses = draw(2, K, seed=1)
    losses[:, 2] = torch.nan
    filtered = trend.filter(QUESTIONS, losses, mask)
    assert trend.trend_K[2] == before[2]
    assert (trend.trend_K != before).sum() == K - 1
    assert filtered.isfinite().all()
    late = PerspectiveTrend(K, 0.9, window=2)
    assert late.filter(QUESTIONS, losses, mask).isfinite().all()
    assert late.trend_K.isnan().tolist() == [False, False, True, False, False]


def test_a_perspective_missing_from_hard_questions_does_not_look_easy() -> None:
    losses, mask = torch.tensor([[1.0, 1.0, 1.0], [3.0, 3.0, torch.nan]]), torch.ones(2, 3, dtype=torch.bool)
    mask[1, 2] = False
    filtered = PerspectiveTrend(3, 0.9, window=2).filter(QUESTIONS, losses, mask)
    torch.testing.assert_close(filtered, torch.zeros(2, 3))


def test_metanet_moves_once_per_accumulation_by_the_mean_gradient() -> None:
    vectors, losses = draw(2, K, E), 0.2 * draw(2, K)
    slow, quick = updater(accumulation=3, rho=0.0), updater(rho=0.0)
    slow.network.double(), quick.network.double()  # Adam's first step divides by gradients near zero
    start = [p.detach().clone() for p in slow.network.parameters()]
    for _ in range(2):
        slow.update(QUESTIONS, vectors, losses, ALL)
        assert all(torch.equal(p, q) for p, q in zip(slow.network.parameters(), start, strict=True))
    slow.update(QUESTIONS, vectors, losses, ALL)
    quick.update(QUESTIONS, vectors, losses, ALL)
    for p, q in zip(slow.network.parameters(), quick.network.parameters(), strict=True):
        torch.testing.assert_close(p, q, atol=1e-8, rtol=0)


@pytest.mark.parametrize("direction", ["prediction_target", "target_prediction"])
def test_the_warm_up_learns_the_losses_without_collapse(direction: Any) -> None:
    torch.manual_seed(0)
    network, vectors = MetaNet(vector_width=E, perspectives=K), draw(40, K, E).float()
    losses, mask = 0.13 * vectors[..., 0] + 1.0, torch.ones(40, K, dtype=torch.bool)
    trend = PerspectiveTrend(K, 0.9, window=2)
    tested = MetaUpdater(network, trend, tau=TAU, rate=1e-4, accumulation=4, direction=direction)
    start = tested.scores(vectors[0], ALL[0])
    assert (start == start[0]).all()
    tested.warm_up(vectors, losses, mask, epochs=20, rate=1e-3, seed=0)
    scores = torch.stack([tested.scores(v, ALL[0]) for v in vectors])
    assert meta_loss(scores, losses, mask, tau=TAU) < 0.02
    found = [spearman(s, -l) for s, l in zip(scores, losses, strict=True)]
    assert sum(found) / len(found) > 0.9


def test_a_saved_updater_goes_on_in_the_middle_of_an_accumulation() -> None:
    vectors, losses = draw(2, K, E).float(), 0.2 * draw(2, K).float()
    whole = updater(accumulation=2)
    for i in range(5):
        whole.update(QUESTIONS, vectors, losses + i * 0.1 * vectors[..., 0], ALL)
    first, second = updater(accumulation=2), updater(accumulation=2)
    for i in range(3):
        first.update(QUESTIONS, vectors, losses + i * 0.1 * vectors[..., 0], ALL)
    second.load_state_dict(first.state_dict())
    for i in range(3, 5):
        second.update(QUESTIONS, vectors, losses + i * 0.1 * vectors[..., 0], ALL)
    torch.testing.assert_close(second.scores(vectors[0], ALL[0]), whole.scores(vectors[0], ALL[0]), rtol=0, atol=0)


# --- what is logged ---


def test_rank_correlation_shares_ties_and_survives_constants() -> None:
    assert spearman(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 90.0])) == pytest.approx(1)
    assert spearman(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([3.0, 2.0, 1.0])) == pytest.approx(-1)
    assert spearman(torch.tensor([1.0, 2.0, 2.0, 4.0]), torch.tensor([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.948683)
    assert spearman(torch.tensor([1.0]), torch.tensor([1.0])) == 0


def test_a_questions_numbers_describe_its_weights() -> None:
    alpha, mask = torch.tensor([0.5, 0.5, 0.0]), torch.tensor([True, True, False])
    scores, losses = torch.tensor([0.2, 0.1, -torch.inf]), torch.tensor([1.0, 2.0, torch.nan])
    first = observe(scores, losses, mask, alpha, torch.full((3,), torch.nan))
    assert first == pytest.approx({"kept": 2, "entropy": math.log(2), "spearman": 1, "jitter": 0})
    assert observe(scores, losses, mask, alpha, torch.tensor([1.0, 0.0, 0.0]))["jitter"] == pytest.approx(0.5)


def test_the_corpus_of_these_tests_lacks_one_path() -> None:
    assert mind_corpus().perspectives == NAMES
    assert mind_corpus().path_mask.sum() == 11
