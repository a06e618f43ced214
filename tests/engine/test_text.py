"""What a file of text may be, and the one line about what it may not be."""

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.engine import text
from offbook.engine.students.corpus import load_corpus
from offbook.engine.text import MAX_DEPTH, parse_json, read_json_lines, read_text
from offbook.tasks.loaders import load_question_file
from offbook.tasks.rationales.synthesis.rationale_rows import load_questions

READERS = [load_corpus, load_questions, load_question_file]
LINES = {
    load_corpus: '{"id": "é", "question": "?", "answer": "1", "rationales": [{"perspective": "p", "provenance": "h", '
    '"licence": "l", "text": "So.\\nThe answer is 1.", "answer_span": [18, 19]}]}',
    load_questions: '{"id": "é", "question": "?", "answer": "1"}',
    load_question_file: '{"id": "é", "turns": ["?"]}',
}


@pytest.mark.parametrize("reader", READERS)
def test_a_byte_order_mark_is_dropped_by_every_reader(reader, tmp_path: Path):
    plain, marked = tmp_path / "plain.jsonl", tmp_path / "marked.jsonl"
    plain.write_bytes(LINES[reader].encode())
    marked.write_bytes(codecs.BOM_UTF8 + LINES[reader].encode())
    assert reader(marked) == reader(plain)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "latin-1", "cp1252"])
def test_another_encoding_is_refused_with_the_files_name_by_every_reader(reader, encoding, tmp_path: Path):
    path = tmp_path / "words.jsonl"
    path.write_bytes(LINES[reader].encode(encoding))
    with pytest.raises(ValueError, match="re-encode it as UTF-8") as told:
        reader(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("[" * 100_000, "levels of nesting"),
        ('{"a":' * 100_000, "levels of nesting"),
        ("[" * 500 + "]" * 500, "levels of nesting"),
        ('{"id": "a", "id": "b"}', "the key 'id' twice"),
        ('{"id": NaN}', "NaN, which is not finite"),
        ('{"id": 1e999}', "not finite"),
        ('{"id": ' + "1" * 5000 + "}", "4300"),
        ('{"id": "\\ud800"}', "half a surrogate pair"),
        ("{", "at character 2"),
    ],
)
def test_json_beyond_its_bounds_is_told_with_file_and_line_by_every_reader(reader, line, complaint, tmp_path: Path):
    path = tmp_path / "words.jsonl"
    path.write_text("\n" + line + "\n")
    with pytest.raises(ValueError, match=complaint) as told:
        reader(path)
    assert f"{path}, line 2" in str(told.value)
    assert "\n" not in str(told.value)


def test_nesting_ends_at_the_limit_and_not_before_it():
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, source="x", remedy="r")
    with pytest.raises(ValueError, match=r"^x: expected JSON, got more than 64 levels of nesting; r$"):
        parse_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), source="x", remedy="r")


def test_a_large_file_and_a_long_line_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "large.jsonl"
    path.write_text('"' + "a" * 98 + '"')
    assert read_text(path, max_bytes=100)
    with pytest.raises(ValueError, match="expected at most 99 bytes, got more"):
        read_text(path, max_bytes=99)
    monkeypatch.setattr(text, "MAX_LINE", 99)
    with pytest.raises(ValueError, match="line 1: expected at most 99 characters, got 100"):
        list(read_json_lines(path, what="words"))


@pytest.mark.parametrize("path", ["no/where.jsonl", ".", "a\0b", "x" * 300])
def test_what_is_no_file_is_told_in_one_line(path):
    with pytest.raises(ValueError, match="expected words, got ") as told:
        read_text(Path(path), what="words")
    assert "\n" not in str(told.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_one_line_value_error(data):
    complaint = "words: "
    try:
        parse_json(text.decode(data, source="words"), source="words", remedy="mend it")
    except ValueError as error:
        complaint = str(error)
    assert complaint.startswith("words: ")
    assert "\n" not in complaint


def test_one_of_a_hundred_thousand_keys_that_comes_twice_is_found_at_once():
    """A search from every key through all others would hang here."""
    keys = [f"k{number}" for number in range(100_000)]
    text = "{" + ", ".join(f'"{key}": 1' for key in [*keys, keys[-1]]) + "}"
    with pytest.raises(ValueError, match="the key 'k99999' twice"):
        parse_json(text, source="x", remedy="mend it")
