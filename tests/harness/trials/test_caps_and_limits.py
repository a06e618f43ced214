"""An exam asks each suite up to its own cap where it names none, and as many documents as its group is given."""

import pytest

from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.suite import find_suites
from offbook.harness.trials.paper import Paper, set_paper
from offbook.tasks.exam_groups import Group
from tests.tiny import save_tiny

SUITES: dict[Group, list[str]] = {
    "id": ["procedural_shopping"],
    "two_steps": ["procedural_shopping_two_steps"],
    "forgetting": ["forgetting_months", "forgetting_months_plain"],
}
LIMITS: dict[Group, int] = {"id": 3, "forgetting": 2}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("caps") / "tiny", max_position_embeddings=4096)))


def paper(target: Target, cap: int | None) -> Paper:
    groups = {group: find_suites(names) for group, names in SUITES.items()}
    return set_paper(groups, target, limit=1, limits=LIMITS, max_new_tokens=cap, batch_size=4)


def test_groups_have_as_many_documents_as_they_are_given_and_others_the_exams_number(target: Target) -> None:
    assert [(suite.group, suite.n_docs) for suite in paper(target, 8).suites] == [
        ("id", 3),
        ("two_steps", 1),
        ("forgetting", 2),
        ("forgetting", 2),
    ]


def test_without_a_cap_each_document_has_its_own(target: Target) -> None:
    own = paper(target, None)
    assert {request.max_new_tokens for _, request in own.questions()} == {own.cap(r) for _, r in own.questions()}
    caps = {
        suite.name: {own.limits(target, request).max_new_tokens for request in asked.requests}
        for suite, asked in zip(own.suites, own.asked, strict=True)
    }
    assert len({cap for found in caps.values() for cap in found}) > 1, "suites differ in theirs"
    assert all(len(found) == 1 for found in caps.values())


def test_a_cap_is_for_all(target: Target) -> None:
    capped = paper(target, 8)
    assert {capped.limits(target, request).max_new_tokens for _, request in capped.questions()} == {8}


def test_right_answers_are_scored_in_both_groups_like_the_corpus_alone(target: Target) -> None:
    asked = paper(target, 8)
    gold = {asked.suites[int(name[0])].group for name, r in asked.questions() if asked.asks_for_gold(name[0], r)}
    assert gold == {"id", "two_steps"}
