"""Prompts from elsewhere, and what a wrong file says about itself."""

import json
import os
from pathlib import Path

import pytest

from offbook.tasks.loaders import load_question_file, load_task_documents
from offbook.tasks.prompts import Prompt, load_prompts


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_fastchat_row_becomes_a_prompt_of_its_first_turn(tmp_path: Path) -> None:
    row = {
        "question_id": 81,
        "category": "writing",
        "turns": ["Write a poem.", "Now shorter."],
        "reference": ["Ode", ""],
    }
    assert load_question_file(write(tmp_path / "question.jsonl", row)) == [
        Prompt(id="81", category="writing", split="test", prompt="Write a poem.", answer="Ode")
    ]


def test_a_row_with_id_and_question_is_read_too(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "question": "Why?"},
        {"id": "b", "question": "Why?", "turns": ["How?"], "answer": "So", "category": "c"},
    ]
    first, second = load_question_file(write(tmp_path / "question.jsonl", *rows))
    assert (first.id, first.category, first.prompt, first.answer) == ("a", "", "Why?", "")
    assert (second.id, second.category, second.prompt, second.answer) == ("b", "c", "How?", "So")


def test_empty_lines_and_line_separators_inside_a_string_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "question.jsonl"
    path.write_text('\n{"id": 1, "turns": ["one\u2028two"]}\n\n', encoding="utf-8")
    assert [prompt.prompt for prompt in load_question_file(path)] == ["one\u2028two"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: expected JSON, got "),
        ("[1]", "line 2 is a JSON list"),
        ('{"turns": ["x"]}', "line 2 has neither question_id nor id"),
        ('{"id": 2}', "line 2 has no text in turns or question"),
        ('{"id": 2, "turns": []}', "line 2 has no text"),
        ('{"id": 2, "turns": "x"}', "line 2 has no text"),
        ('{"id": 2, "turns": [" "]}', "line 2 has no text"),
        ('{"id": 1, "turns": ["x"]}', "line 2 repeats id '1' of line 1"),
    ],
)
def test_a_bad_row_is_refused_in_one_line_with_file_and_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "question.jsonl"
    path.write_text('{"id": 1, "turns": ["x"]}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected") as caught:
        load_question_file(path)
    message = str(caught.value)
    assert f"question.jsonl, {complaint}" in message
    assert "\n" not in message


def test_a_missing_or_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        load_question_file(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(ValueError, match="is empty"):
        load_question_file(tmp_path / "empty.jsonl")


def test_spec_bench_loads() -> None:
    folder = os.environ.get("OFFBOOK_DATA")
    path = Path(folder or "") / "specdec" / "spec_bench.jsonl"
    if folder is None or not path.is_file():
        pytest.skip("OFFBOOK_DATA does not name a folder that holds specdec/spec_bench.jsonl")
    prompts = load_question_file(path)
    assert len(prompts) > 80
    assert {"writing", "math_reasoning", "summarization", "translation"} <= {prompt.category for prompt in prompts}
    assert all(prompt.prompt.strip() for prompt in prompts)


def test_documents_of_an_own_task_are_its_prompts() -> None:
    documents = load_task_documents("offbook_maths")
    expected = load_prompts("test", "maths")
    assert [document.prompt for document in documents] == [prompt.prompt for prompt in expected]
    assert [document.answer for document in documents] == [prompt.answer for prompt in expected]
    assert documents[3].id == "offbook_maths-test-003"


def test_a_limit_keeps_the_first_documents() -> None:
    assert [document.id for document in load_task_documents("offbook_qa", limit=2)] == [
        "offbook_qa-test-000",
        "offbook_qa-test-001",
    ]
    with pytest.raises(ValueError, match="at least 1; got 0"):
        load_task_documents("offbook_qa", limit=0)


def test_documents_of_a_multiple_choice_task_have_the_right_choice_as_answer(tmp_path: Path) -> None:
    (tmp_path / "choice.py").write_text(
        "import datasets\n"
        "def load(**kwargs):\n"
        "    rows = [{'q': 'Sky?', 'options': ['red', 'blue'], 'right': 1}]\n"
        "    return {'dev': datasets.Dataset.from_list(rows)}\n"
    )
    (tmp_path / "choice.yaml").write_text(
        "task: a_choice\ncustom_dataset: !function choice.load\nvalidation_split: dev\noutput_type: multiple_choice\n"
        "doc_to_text: 'Q: {{q}}'\ndoc_to_choice: options\ndoc_to_target: right\n"
    )
    (document,) = load_task_documents("a_choice", include_path=tmp_path)
    assert document == Prompt(
        id="a_choice-validation-000", category="a_choice", split="validation", prompt="Q: Sky?", answer="blue"
    )


def test_a_split_the_task_lacks_is_refused_with_the_ones_it_has() -> None:
    with pytest.raises(ValueError, match=r"splits of offbook_qa \(test\); got 'train'"):
        load_task_documents("offbook_qa", split="train")


def test_a_group_is_refused() -> None:
    with pytest.raises(ValueError, match="a group or tag for 'offbook_prompts'"):
        load_task_documents("offbook_prompts")
