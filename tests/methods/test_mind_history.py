"""What proves that MIND's parts acted: visits, sets and orders that changed between them, MetaNet's own steps."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from offbook.methods.mind.calibration import standardised, typical_deviation
from offbook.methods.mind.history import History, Visit
from offbook.methods.mind.monitor import rank_change
from offbook.methods.mind.objective import MindTraining, mind_objective
from offbook.methods.mind.options import MindOptions
from offbook.methods.mind.train import mind
from tests.methods.mind_corpus import NAMES, mind_corpus, mind_paths, path_vectors
from tests.methods.test_mind_training import CONFIG, job, record


def visit(question: int, scores: tuple[float, ...], alpha: tuple[float, ...], read: int = 0) -> Visit:
    return Visit(question=question, losses=(0.0,) * len(scores), scores=scores, alpha=alpha, read_tokens=read)


def table() -> torch.Tensor:
    costs_NK = torch.randn(4, len(NAMES), generator=torch.Generator().manual_seed(0))
    return costs_NK.masked_fill(~mind_corpus().path_mask, torch.nan)


def training(**options: Any) -> MindTraining:
    settings = MindOptions(warmup_epochs=0, **options)
    tested = mind_objective(mind_paths(), path_vectors(), NAMES, table(), settings, seed=0).state[1]
    assert isinstance(tested, MindTraining)
    return tested


# --- between visits ---


def test_what_is_met_once_has_changed_nothing() -> None:
    found = History(4, 2).take([visit(0, (1.0, 2.0), (0.5, 0.5), 7), visit(1, (1.0, 2.0), (0.0, 1.0), 5)])
    assert found == {"visits": 0.5, "met_again": 0, "set_changed": 0, "rank_change": 0, "read_tokens": 12}


def test_sets_and_orders_are_held_against_the_last_visit() -> None:
    history = History(2, 3)
    history.take([visit(0, (1.0, 2.0, 3.0), (0.0, 0.5, 0.5)), visit(1, (1.0, 2.0, 3.0), (0.0, 0.0, 1.0))])
    same = history.take([visit(0, (1.1, 2.1, 3.3), (0.0, 0.1, 0.9))])
    assert (same["met_again"], same["set_changed"], same["rank_change"]) == (0.5, 0, 0)
    other = history.take([visit(1, (1.0, 3.0, 2.0), (0.0, 1.0, 0.0))])
    assert (other["visits"], other["met_again"], other["set_changed"]) == (2, 1, 0.5)
    assert other["rank_change"] == pytest.approx(1 / 3)
    back = history.take([visit(1, (1.0, 3.0, 2.0), (0.0, 1.0, 0.0))])
    assert (back["set_changed"], back["rank_change"]) == (0.5, 0), "a question that has changed once has changed"


def test_a_missing_path_is_in_no_order() -> None:
    history, gone = History(1, 3), -math.inf
    history.take([visit(0, (1.0, gone, 3.0), (0.5, 0.0, 0.5))])
    assert history.take([visit(0, (3.0, gone, 1.0), (0.5, 0.0, 0.5))])["rank_change"] == 1


def test_a_history_goes_on_where_it_was() -> None:
    first = [visit(0, (1.0, 2.0), (1.0, 0.0)), visit(1, (1.0, 2.0), (1.0, 0.0))]
    history, later = History(2, 2), History(2, 2)
    history.take(first)
    later.load_state_dict(history.state_dict())
    then = [visit(0, (2.0, 1.0), (0.0, 1.0))]
    assert later.take(then) == history.take(then)


def test_of_two_visits_in_a_step_the_later_ones_costs_stand() -> None:
    tested, scores = training(scores="static"), (0.1, 0.2, 0.3)
    both = [
        Visit(question=0, losses=losses, scores=scores, alpha=(1.0, 0.0, 0.0), read_tokens=0)
        for losses in ((1.0, 2.0, 3.0), (3.0, 2.0, 1.0))
    ]
    tested.after_step(both)
    assert tested.losses_NK[0].tolist() == [3.0, 2.0, 1.0]
    assert tested.history.visits.counts[0] == 2


def test_pairs_in_another_order_are_counted_with_ties() -> None:
    a = torch.tensor([1.0, 2.0, 3.0, 3.0])
    assert rank_change(a, a + 1) == 0
    assert rank_change(a, -a) == pytest.approx(5 / 6)
    assert rank_change(a, torch.tensor([1.0, 2.0, 3.0, 4.0])) == pytest.approx(1 / 6)
    assert rank_change(a[:1], a[:1]) == 0


def test_a_trainings_last_entry_says_that_its_parts_acted(tmp_path: Path) -> None:
    def trained(name: str, **options: Any) -> list[dict[str, float]]:
        longer = replace(job(tmp_path / name, **options), config=replace(CONFIG, gradient_tokens=2500))
        found: list[dict[str, float]] = record(mind(longer, path_vectors()))["log"]
        return found

    log = trained("s")
    last = log[-1]
    assert last["visits"] > 1
    assert last["met_again"] == 1
    assert last["meta_steps"] == len(log) // 2, "every second step of the student's, by `accumulation`"
    assert all(a["visits"] <= b["visits"] for a, b in itertools.pairwise(log))
    static = trained("static", scores="static")
    assert {entry["set_changed"] for entry in static} == {0.0}, "scores that stand still change nothing"
    assert {entry["rank_change"] for entry in static} == {0.0}
    assert "meta_steps" not in static[-1]


# --- MetaNet's own steps ---


def feed(tested: MindTraining, questions: list[int]) -> dict[str, float]:
    return tested.feedback.take(questions, tested.losses_NK[questions])


@pytest.mark.parametrize(("some", "steps"), [(0, 1), (1, 4), (2, 2), (3, 2), (9, 1)])
def test_a_students_step_is_several_of_metanet(some: int, steps: int) -> None:
    found = feed(training(meta_questions=some, accumulation=1), [0, 1, 2, 3])
    assert found["meta_steps"] == steps


def test_accumulation_counts_what_metanet_takes_in() -> None:
    tested = training(meta_questions=1, accumulation=4)
    assert feed(tested, [0, 1, 2])["meta_steps"] == 0
    assert feed(tested, [3])["meta_steps"] == 1


def test_watched_rates_follow_the_same_costs_and_choose_nothing(tmp_path: Path) -> None:
    alone = record(mind(job(tmp_path / "alone"), path_vectors()))
    watched = record(mind(job(tmp_path / "watched", watched_rates=[1e-2, 0.5]), path_vectors()))
    for one, two in zip(alone["log"], watched["log"], strict=True):
        assert {name: two[name] for name in one} == one
        assert two["meta_loss/0.01"] == pytest.approx(one["meta_loss"]), "the rate that chooses, watched"
    assert any(entry["meta_loss/0.5"] != entry["meta_loss/0.01"] for entry in watched["log"])
    with pytest.raises(ValueError, match=r"watched_rates\.0: Input should be greater than 0"):
        mind(job(tmp_path / "none", watched_rates=[0.0]), path_vectors())


def test_watched_rates_are_saved_with_the_training() -> None:
    settings = MindOptions(warmup_epochs=0, watched_rates=(1e-2,), accumulation=1)
    objective = mind_objective(mind_paths(), path_vectors(), NAMES, table(), settings, seed=0)
    assert len(objective.state) == 3


# --- vanishing differences ---


def test_z_scores_divide_by_no_deviation_below_the_floor() -> None:
    costs, mask = torch.tensor([[1.0, 3.0], [1.0, 1.002]]), torch.ones(2, 2, dtype=torch.bool)
    torch.testing.assert_close(standardised(costs, mask), torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]), rtol=1e-3, atol=0)
    found = standardised(costs, mask, 0.1)
    torch.testing.assert_close(found, torch.tensor([[-1.0, 1.0], [-0.01, 0.01]]), rtol=1e-3, atol=0)


def test_the_floor_is_a_share_of_what_the_untouched_students_paths_differ_by() -> None:
    mask = mind_corpus().path_mask
    deviations = sorted(float(row[there].std(correction=0)) for row, there in zip(table(), mask, strict=True))
    assert typical_deviation(table(), mask) == pytest.approx(deviations[1])  # torch's median of four is the lower one
    assert training(sd_floor=0.5).updater.sd_floor == pytest.approx(0.5 * deviations[1])
    assert training(sd_floor=0.0).updater.sd_floor == 0
    assert typical_deviation(table()[:, :1], mask[:, :1]) == 0
