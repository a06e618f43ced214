"""Rationales that others wrote, as a corpus."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.students.corpus import Corpus, load_corpus, save_corpus
from offbook.tasks.rationales.synthesis.rationale_rows import load_questions, load_rationale_rows

OTHERS = os.environ.get("OFFBOOK_DATA")
TEXTS = {"forward": "3 + 4 = 7. The answer is 7.", "equation": "3 + 4 = 7", "backward": "7 - 4 = 3, so 7."}


def rationale(perspective: str, source: str = "human", **changes: Any) -> dict[str, Any]:
    return {"perspective": perspective, "source": source, "text": TEXTS[perspective], **changes}


def row(*rationales: dict[str, Any], **changes: Any) -> dict[str, Any]:
    what = {"id": "q1", "question": "How much is 3 + 4?", "answer": "7", "licence": "MIT", "note": "ignored"}
    return {**what, "rationales": list(rationales), **changes}


def saved(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return path


def paths(corpus: Corpus) -> list[dict[str, str]]:
    return [{r.perspective: r.text for r in q.rationales} for q in corpus.questions]


def test_a_rationale_is_closed_and_keeps_who_wrote_it(tmp_path):
    corpus = load_rationale_rows(saved(tmp_path, row(rationale("forward"), rationale("equation", "derived"))))
    closed = "3 + 4 = 7{}\nThe answer is 7."
    assert paths(corpus) == [{"forward": closed.format("."), "equation": closed.format("")}]
    assert [(r.provenance, r.licence) for r in corpus.questions[0].rationales] == [("human", "MIT"), ("derived", "MIT")]
    save_corpus(tmp_path / "c.jsonl", corpus)
    assert load_corpus(tmp_path / "c.jsonl").questions == corpus.questions


def test_inconsistent_ones_and_bare_answers_are_left_out(tmp_path):
    kept = rationale("forward", consistent=True)
    dropped = [rationale("equation", consistent=False), rationale("backward", text="The answer is 7.")]
    corpus = load_rationale_rows(saved(tmp_path, row(*dropped, kept), row(*dropped, id="q2")))
    assert [set(p) for p in paths(corpus)] == [{"forward"}]


def test_an_unchecked_one_that_closes_with_another_answer_is_left_out_and_counted(tmp_path):
    wrong = "3 + 4 = 8.\nThe answer is 8."
    told: list[str] = []
    several = [rationale("equation", text="3 + 4 = 8. #### 8"), rationale("backward", text=wrong, consistent=True)]
    rows = [row(rationale("forward", text=wrong), rationale("forward"), *several), row(rationale("equation"), id="q2")]
    corpus = load_rationale_rows(saved(tmp_path, *rows), say=told.append)
    assert [set(p) for p in paths(corpus)] == [{"forward", "backward"}, {"equation"}]
    assert told == ["rows.jsonl: 2 rationales left out: unchecked, they close with another answer"]


def test_nothing_is_told_where_every_closing_answer_is_the_gold_one(tmp_path):
    told: list[str] = []
    load_rationale_rows(saved(tmp_path, row(rationale("forward"), rationale("equation"))), say=told.append)
    assert told == []


def test_a_bare_answer_makes_room_for_the_next_of_its_kind(tmp_path):
    several = [rationale("forward", text="7"), rationale("forward", text="Add: 7"), rationale("forward", text="Sum: 7")]
    several[0]["text"] = "#### 7"
    assert paths(load_rationale_rows(saved(tmp_path, row(*several)))) == [{"forward": "Add: 7\nThe answer is 7."}]


def test_a_perspective_of_several_sources_is_one_for_each(tmp_path):
    rows = [
        row(rationale("forward", "a"), rationale("forward", "a"), rationale("equation", "a")),
        row(rationale("forward", "b"), rationale("forward", "a"), id="q2"),
    ]
    path = saved(tmp_path, *rows)
    assert [list(p) for p in paths(load_rationale_rows(path))] == [
        ["forward, a", "equation"],
        ["forward, b", "forward, a"],
    ]
    assert [list(p) for p in paths(load_rationale_rows(path, sources=["a"]))] == [["forward", "equation"], ["forward"]]


def test_the_most_frequent_perspectives_are_kept(tmp_path):
    rows = [row(rationale("backward"), rationale("forward")), row(rationale("forward"), id="q2")]
    corpus = load_rationale_rows(saved(tmp_path, *rows), max_perspectives=1)
    assert corpus.perspectives == ("forward",)
    assert [set(p) for p in paths(corpus)] == [{"forward"}, {"forward"}]


def test_choices_are_asked_as_lettered_options(tmp_path):
    text = "Grass is green.\nSo the answer is (B) green."
    grass = row(rationale("forward", text=text), question="Which?", answer="B", choices=["red", "green"])
    (question,) = load_rationale_rows(saved(tmp_path, grass)).questions
    assert question.question == "Which?\n\n(A) red\n(B) green"
    assert question.rationales[0].text == "Grass is green.\nThe answer is B."


def test_a_label_of_the_teachers_format_is_no_part_of_a_rationale(tmp_path):
    labelled = row(rationale("forward", text="<Solution Path>Add: 7</Solution Path>"), row(), id="q1")
    labelled["rationales"] = labelled["rationales"][:1]
    assert paths(load_rationale_rows(saved(tmp_path, labelled))) == [{"forward": "Add: 7\nThe answer is 7."}]


def test_a_full_stop_behind_the_answer_is_not_doubled(tmp_path):
    tom = row(rationale("forward", text="Tom is a cat."), answer="Tom is a pet.")
    assert paths(load_rationale_rows(saved(tmp_path, tom)))[0]["forward"].endswith("\nThe answer is Tom is a pet.")


def test_questions_need_no_rationales(tmp_path):
    path = saved(tmp_path, row(), row(id="q2"), row(id="q3"))
    assert [q.id for q in load_questions(path, limit=2)] == ["q1", "q2"]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (["{"], "line 1: expected JSON, got "),
        ([row(rationale("forward")), {"id": "q2", "question": "?"}], "line 2: answer: Field required"),
        ([row(rationale("forward", text=3))], "line 1: rationales.0.text: Input should be a valid string"),
        ([row(rationale("forward")), row(rationale("forward"))], "line 2: expected every id once, got 'q1' again"),
        ([], "expected questions, one JSON object a line, got none"),
        ([row(rationale("forward", consistent=False))], "expected a rationale that can be used, got none"),
    ],
)
def test_a_bad_file_is_told_with_its_place(rows, complaint, tmp_path):
    with pytest.raises(ValueError, match=r"rows\.jsonl") as told:
        load_rationale_rows(saved(tmp_path, *rows))
    assert complaint in str(told.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"no\.jsonl: expected questions in JSON Lines, got no such file"):
        load_questions(tmp_path / "no.jsonl")


@pytest.mark.skipif(OTHERS is None, reason="OFFBOOK_DATA names no folder with rationales")
@pytest.mark.parametrize("name", ["gsm8k_train", "svamp_train", "commonsenseqa_train", "strategyqa_train"])
def test_published_rationales_make_a_corpus(name):
    path = Path(str(OTHERS)) / "train" / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"OFFBOOK_DATA lacks train/{name}.jsonl")
    corpus = load_rationale_rows(path, max_perspectives=3, limit=100)
    assert corpus.path_mask.shape == (len(corpus), 3)
    assert corpus.path_mask.float().mean() > 0.5
    assert len(corpus) > 90
