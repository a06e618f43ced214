"""Who chooses a path without learning to: the cheapest for the untouched student, one by lot, the best single form."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from offbook.baselines.distillation.random_path import random_path
from offbook.baselines.distillation.single_rationale import SingleRationaleOptions, single_rationale
from offbook.baselines.distillation.static_selection import static_selection
from offbook.engine.students import untouched as untouched_module
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Job, checked_options
from offbook.engine.students.learnability import LEARNABILITIES
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.untouched import of_cost, untouched_table
from offbook.engine.students.visits import draw, drawn
from tests.baselines.distillation_job import NAMES, TOKENIZER, StoppedError, alike, corpus, job, record


def costs(folder: Path, of: Any, corpus_: Corpus | None = None) -> torch.Tensor:
    """The untouched student's (N, K)."""
    rationales = corpus_ or corpus()
    paths = encode_corpus(rationales, TOKENIZER, max_length=400)
    return of_cost(untouched_table(job(folder, rationales), paths, rationales.perspectives).values, of)


@pytest.mark.parametrize("of", ["answer", "rsr", "lark"])
def test_static_selection_learns_each_questions_cheapest_path_alone(of: Any, tmp_path: Path) -> None:
    cheapest = costs(tmp_path / "table", of).argmin(dim=1).tolist()
    content = record(static_selection(job(tmp_path / "s", corpus(), {"learnability": of})))
    assert content["sequences"] == sorted(f"q{n}/{k}" for n, k in enumerate(cheapest))
    assert content["prepared_s"] > 0


def test_static_selection_passes_over_a_path_that_is_missing(tmp_path: Path) -> None:
    questions = [q.model_copy(update={"rationales": q.rationales[1:]}) for q in corpus().questions[:1]]
    lacking = Corpus.of([*questions, *corpus().questions[1:]])
    content = record(static_selection(job(tmp_path / "s", lacking)))
    absent = lacking.perspectives.index(NAMES[0])
    assert f"q0/{absent}" not in content["sequences"]


def test_a_finished_student_of_static_selection_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = static_selection(job(tmp_path / "s", corpus()))
    before = record(folder)

    def never(*_: Any) -> torch.Tensor:
        raise AssertionError

    monkeypatch.setattr(untouched_module, "untouched_costs", never)
    assert record(static_selection(job(tmp_path / "s", corpus()))) == before


def test_a_random_path_is_drawn_for_every_visit_and_counted(tmp_path: Path) -> None:
    content = record(random_path(job(tmp_path / "s", corpus())))
    log = [entry["visits"] for entry in content["log"]]
    assert log == sorted(log)
    assert log[-1] > 2
    visited = {f"q{n}/{drawn([1.0] * 3, draw(0, f'q{n}', visit))}" for n in range(6) for visit in range(int(log[-1]))}
    assert visited <= set(content["sequences"]), "drawn by seed, question and visit"
    assert max(Counter(name.split("/")[0] for name in content["sequences"]).values()) > 1


def test_another_seed_draws_other_paths(tmp_path: Path) -> None:
    found = []
    for seed in (0, 1):
        content = record(random_path(job(tmp_path / str(seed), corpus(), seed=seed, gradient_tokens=180)))
        assert [entry["visits"] for entry in content["log"]] == pytest.approx([1 / 3, 2 / 3, 1]), "each question once"
        assert content["sequences"] == [f"q{n}/{drawn([1.0] * 3, draw(seed, f'q{n}', 0))}" for n in range(6)]
        found.append(content["sequences"])
    assert found[0] != found[1]


def test_an_interrupted_random_path_draws_as_an_uninterrupted_one(tmp_path: Path) -> None:
    calls = iter(range(100))

    def stop(_: Any) -> float:
        if next(calls) == 1:
            raise StoppedError
        return 0.0

    with pytest.raises(StoppedError):
        random_path(job(tmp_path / "cut", corpus(), score=stop))
    cut, whole = random_path(job(tmp_path / "cut", corpus())), random_path(job(tmp_path / "whole", corpus()))
    assert record(cut)["log"] == record(whole)["log"]
    assert alike(cut, whole)


@pytest.mark.parametrize("criterion", ["answer", "rsr"])
def test_the_best_single_perspective_is_found_and_recorded(criterion: Any, tmp_path: Path) -> None:
    names = corpus().perspectives
    best = names[int(costs(tmp_path / "table", criterion).mean(dim=0).argmin())]
    said: list[str] = []
    asked = {"perspective": "auto", "criterion": criterion}
    told = replace(job(tmp_path / "s", corpus(), asked), report=lambda done, total, line: said.append(line))
    content = record(single_rationale(told))
    assert content["identity"] == {"model": "tiny", "perspective": best}
    assert content["options"] == asked
    assert {name.split("/")[1] for name in content["sequences"]} == {str(names.index(best))}
    assert f"single_rationale: lowest mean {criterion} of the untouched student: {best}" in said
    single_rationale(job(tmp_path / "named", corpus(), {"perspective": best}))
    assert alike(tmp_path / "named", tmp_path / "s"), "found or named, it is the same student"


def test_a_finished_search_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"perspective": "auto", "criterion": "answer"}
    before = record(single_rationale(job(tmp_path / "s", corpus(), asked)))

    def never(*_: Any) -> torch.Tensor:
        raise AssertionError

    monkeypatch.setattr(untouched_module, "untouched_costs", never)
    assert record(single_rationale(job(tmp_path / "s", corpus(), asked))) == before


def test_only_a_perspective_that_has_told_every_question_can_be_found(tmp_path: Path) -> None:
    def without(question: int, places: Sequence[int]) -> Any:
        found = corpus().questions[question]
        kept = tuple(r for k, r in enumerate(found.rationales) if k not in places)
        return found.model_copy(update={"rationales": kept})

    asked = {"perspective": "auto", "criterion": "answer"}
    two = Corpus.of([without(0, [0, 1]), *corpus().questions[1:]])
    content = record(single_rationale(job(tmp_path / "two", two, asked)))
    assert content["identity"]["perspective"] == NAMES[2]
    none = Corpus.of([without(0, [0, 1]), without(1, [2]), *corpus().questions[2:]])
    with pytest.raises(ValueError, match="expected a perspective with a rationale for every question, got none"):
        single_rationale(job(tmp_path / "none", none, asked))


@pytest.mark.parametrize(
    "options", [{"perspective": "auto"}, {"criterion": "answer"}, {"perspective": "planning", "criterion": "rsr"}]
)
def test_a_criterion_goes_with_a_search_and_with_nothing_else(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected a criterion beside perspective auto and nowhere else") as error:
        checked_options(options, SingleRationaleOptions)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("distil", [static_selection, random_path])
def test_unknown_settings_are_refused(distil: Callable[[Job], Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mood"):
        distil(job(tmp_path, corpus(), {"mood": "good"}))
    with pytest.raises(ValueError, match=r"learnability: Input should be 'path'|learnability: unknown key"):
        distil(job(tmp_path, corpus(), {"learnability": "ease"}))


def test_a_cost_is_one_of_those_there_are() -> None:
    for of in LEARNABILITIES:
        found = checked_options({"perspective": "auto", "criterion": of}, SingleRationaleOptions)
        assert json.loads(found.model_dump_json())["criterion"] == of
