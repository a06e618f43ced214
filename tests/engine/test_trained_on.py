"""The list of what a checkpoint learned from: finds a question, and belongs to its checkpoint's record."""

import pytest

from offbook.engine.trained_on import FILE, UNKNOWN, read_trained_on, write_trained_on

STORY = "Ada has 12 red marbles in her bag and gives 3.5 of them to her friend Ben on Monday"
SHORT = "How many legs have 3 spiders?"


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (STORY, True),
        ("Once more: " + STORY.upper().replace("12", "1,200"), True),
        (" ".join(STORY.split()[:13]) + " but not more", True),
        (" ".join(STORY.split()[:12]) + " but not more", False),
        ("how many legs have 8 spiders", True),
        ("And " + SHORT, False),
        ("Monday", False),
        ("", False),
    ],
)
def test_a_text_is_held_where_it_shares_a_run_of_words_with_a_prompt(text, held, tmp_path):
    told = write_trained_on(tmp_path, [STORY, SHORT, "Monday"])
    found = read_trained_on(tmp_path, told)
    assert (found.prompts, found.known) == (3, True)
    assert found.holds(["nothing of it", text]) == held


def test_the_list_cannot_be_read_back(tmp_path):
    write_trained_on(tmp_path, [STORY])
    assert not {"ada", "marbles", "Ada"} & set((tmp_path / FILE).read_text().replace('"', " ").split())


def test_a_record_without_a_list_knows_nothing(tmp_path):
    assert read_trained_on(tmp_path, None) is UNKNOWN
    assert not UNKNOWN.known
    assert not UNKNOWN.holds([STORY])


def test_a_list_that_is_not_the_records_is_refused(tmp_path):
    told = write_trained_on(tmp_path, [STORY])
    write_trained_on(tmp_path, [SHORT])
    with pytest.raises(ValueError, match=r"trained_on.json: expected SHA-256 .* train it anew"):
        read_trained_on(tmp_path, told)
