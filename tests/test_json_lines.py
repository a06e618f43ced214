"""A file of lines survives being cut off, and damage in it is told."""

import json

import pytest

from tests.json_lines import append, read

FIRST, SECOND, THIRD = ({"case": name, "right": True} for name in "abc")


def test_lines_are_read_back_in_order(tmp_path):
    for line in (FIRST, SECOND, THIRD):
        append(tmp_path / "deep" / "lines.jsonl", line)
    assert read(tmp_path / "deep" / "lines.jsonl") == [FIRST, SECOND, THIRD]
    assert read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("kept", [1, 10, -1])
def test_a_last_line_that_was_cut_off_is_left_out_and_gone_with_the_next_one(tmp_path, kept):
    path = tmp_path / "lines.jsonl"
    append(path, FIRST)
    append(path, SECOND)
    whole = path.read_bytes()
    feed = whole.index(b"\n") + 1
    path.write_bytes(whole[:feed] + whole[feed:][:kept])
    assert read(path) == [FIRST]
    append(path, THIRD)
    assert read(path) == [FIRST, THIRD]


def test_a_damaged_line_that_is_not_the_last_is_refused(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text("{nothing\n" + json.dumps(FIRST) + "\n")
    with pytest.raises(ValueError, match="got a damaged line 1; restore it"):
        read(path)
