"""What is replayed: whose answers, to which prompts, which of them, and that a student's key and record say so."""

import dataclasses
import itertools
import json

import pytest

from offbook.engine.drafters.answers import Answer
from offbook.engine.progress import Silent
from offbook.engine.students.corpus import instruct
from offbook.engine.students.replay import ReplayItem
from offbook.harness.artifacts import replay as module
from offbook.harness.artifacts import replay_prompts as prompts_module
from offbook.harness.artifacts.material import load_material
from offbook.harness.artifacts.replay import replay_items
from offbook.harness.artifacts.replay_prompts import replay_prompts, replay_prompts_sha256
from offbook.harness.artifacts.students import cost, make
from offbook.harness.settings.students import CorpusSpec
from offbook.tasks.forgetting import questions
from offbook.tasks.forgetting.families import FAMILIES
from offbook.tasks.forgetting.replay import replay_questions
from offbook.tasks.prompts import load_prompts
from tests.matrices import matrix, students_of
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer

END = 257
ITEMS = (ReplayItem(id="r", prompt=(97, 98), tokens=(99, 100, END)),)
CONTENT = {
    "students": {"one": {"method": "single_rationale"}},
    "training": {"gradient_tokens": 700, "max_length": 4096, "evaluations": 1, "replay": 0.2},
    "exams": {"suites": {"id": ["procedural_id"]}},
}


def test_prompts_are_asked_as_training_asks_and_no_suite_asks_them():
    found = {prompt.id: prompt.prompt for prompt in replay_prompts()}
    assert all(prompt.prompt == instruct(prompt.question) for prompt in replay_prompts())
    embedded = {prompt.id: prompt.prompt for prompt in load_prompts("train") if prompt.id in found}
    others = dict(replay_questions())
    assert len(embedded) > 200
    assert len(others) > 100
    assert found == {name: instruct(question) for name, question in (embedded | others).items()}
    assert {name.split("-")[0] for name in embedded} == {"qa", "extraction"}, "no word problems"
    asked = {instruct(prompt.prompt) for prompt in load_prompts("test")}
    for split, family in itertools.product(("dev", "test"), FAMILIES):
        asked |= {instruct(question.question) for question in questions(split, family)}
    assert not asked & set(found.values())


def test_no_prompt_is_of_a_kind_that_forgetting_is_read_on():
    embedded = [prompt.prompt for category in ("qa", "extraction") for prompt in load_prompts("train", category)]
    of_those_kinds = {instruct(text) for text in embedded if prompts_module.READ_KINDS.search(text)}
    assert any("What is the capital of" in text for text in of_those_kinds)
    assert any("In which month" in text for text in of_those_kinds)
    assert not of_those_kinds & {prompt.prompt for prompt in replay_prompts()}
    for family in ("capitals", "opposites", "months"):
        assert all(prompts_module.READ_KINDS.search(question.question) for question in questions("test", family))


def test_another_source_adds_prompts_and_changes_the_hash(monkeypatch):
    before, sources = replay_prompts_sha256(), prompts_module.SOURCES
    monkeypatch.setattr(prompts_module, "SOURCES", (*sources, lambda: [("copy-1", "Copy: blue.")]))
    assert replay_prompts()[-1].prompt == instruct("Copy: blue.")
    assert replay_prompts_sha256() != before
    monkeypatch.setattr(prompts_module, "SOURCES", (*sources, *sources))
    with pytest.raises(ValueError, match="expected every replay prompt's id once"):
        replay_prompts()


def test_answers_that_hit_the_cap_say_nothing_or_are_too_long_are_left_out(monkeypatch, tmp_path):
    answers = [
        Answer(id="ends", prompt_tokens=(1, 2), answer_tokens=(3, 4, END)),
        Answer(id="cut", prompt_tokens=(1, 2), answer_tokens=(3, 4, 5)),
        Answer(id="empty", prompt_tokens=(1, 2), answer_tokens=(END,)),
        Answer(id="long", prompt_tokens=(1,) * 8, answer_tokens=(3, 4, END)),
    ]
    asked = []

    def answer_prompts(model, tokenizer, questions, path, **settings):
        asked.append((len(questions), path, settings["max_new_tokens"]))
        return answers

    monkeypatch.setattr(module, "answer_prompts", answer_prompts)

    def items(base="ab"):
        return replay_items(tiny_model(), tiny_tokenizer(), tmp_path, Silent(), base=(base, None), max_length=10)

    assert items() == (ReplayItem(id="ends", prompt=(1, 2), tokens=(3, 4, END)),)
    items("another")
    assert {count for count, *_ in asked} == {len(replay_prompts())}
    assert {cap for *_, cap in asked} == {prompts_module.ANSWER_TOKENS}
    assert len({path for _, path, _ in asked}) == 2, "each base model has a table of its own"
    del answers[0]
    with pytest.raises(
        ValueError, match="expected answers that end within 96 tokens to replay, got none of 3"
    ) as error:
        items()
    assert "\n" not in str(error.value)


def test_answers_are_kept_and_asked_once(tmp_path, monkeypatch):
    monkeypatch.setattr(prompts_module, "SOURCES", (lambda: [("a", "Hi?"), ("b", "Ho?")],))
    monkeypatch.setattr(module, "ANSWER_TOKENS", 3)
    monkeypatch.setattr(module, "end_token", lambda tokenizer: said[-1])
    said = []

    def items():
        return replay_items(tiny_model(), tiny_tokenizer(), tmp_path, Silent(), base=("ab",), max_length=4096)

    said.append(-1)
    with pytest.raises(ValueError, match="got none of 2"):
        items()
    (file,) = tmp_path.glob("replay-*/answers.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    said.append(rows[0]["tokens"][-1])
    monkeypatch.setattr("offbook.engine.drafters.answers.greedy_tokens", lambda *a, **k: [])
    found = items()
    assert found[0].tokens == tuple(rows[0]["tokens"]), "from the file, for nothing is asked any more"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("replay") / "tiny"))


def test_a_student_that_replays_says_of_what_and_how_much(tiny, tmp_path, monkeypatch):
    seen = []

    def items(model, tokenizer, tables, progress, *, base, max_length):
        seen.append((tables, base, max_length))
        return ITEMS

    monkeypatch.setattr("offbook.harness.artifacts.students.replay_items", items)
    material = load_material(CorpusSpec(questions=4, dev_questions=2), Silent())
    (student,) = students_of(matrix({"models": {tiny: {}}, **CONTENT}))
    folder = student.folder(tmp_path, material)
    make(student, material, folder, Silent(), device="cpu", tables=tmp_path / "tables")
    assert seen == [(tmp_path / "tables", (student.base_sha256, student.base_settings_sha256), 4096)]
    found = cost(folder).replay
    assert found.items == 1
    assert abs(found.tokens - 0.2 * cost(folder).gradient_tokens) <= 3
    assert student.id(material).helpers == {"replay_prompts": replay_prompts_sha256()}
    without = dataclasses.replace(student, config=dataclasses.replace(student.config, replay=0.0))
    assert "replay_prompts" not in without.identity(material)
    assert without.folder(tmp_path, material) != folder


def test_a_plan_pins_the_prompts_that_a_student_replays(tiny, monkeypatch):
    from offbook.harness.matrix.plan import plan

    content = {"models": {tiny: {}}, **CONTENT}
    (stage,) = plan(matrix(content)).of_kind("student")
    assert stage.spec["helpers"] == {"replay_prompts": replay_prompts_sha256()}
    (other,) = plan(matrix(content, training={"gradient_tokens": 700})).of_kind("student")
    assert other.spec["helpers"] == {}
    monkeypatch.setattr(prompts_module, "ANSWER_TOKENS", 5)
    (changed,) = plan(matrix(content)).of_kind("student")
    assert changed.key != stage.key
