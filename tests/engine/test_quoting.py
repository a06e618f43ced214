import pytest

from offbook.engine.quoting import LONGEST, LONGEST_PATH, quoted, quoted_path, shortened, without_long_words


@pytest.mark.parametrize("value", ["qa", "it's", 5, [1, "a"], "x" * (LONGEST - 2)])
def test_what_is_short_is_repeated_as_python_writes_it(value):
    assert quoted(value) == repr(value)


@pytest.mark.parametrize("value", ["x" * 5_000, "two words " * 500, list(range(5_000)), "\n" * 5_000])
def test_of_what_is_long_the_ends_and_the_length_are_told(value):
    told = quoted(value)
    assert len(told) < 2 * LONGEST
    assert told.startswith(repr(value)[:20])
    assert told.endswith(f"{repr(value)[-5:]} ({len(repr(value))} characters)")
    assert "\n" not in told


def test_a_path_is_repeated_whole_as_long_as_it_is_none_of_nonsense():
    path = "/data/somebody/" + "a/" * 100
    assert quoted_path(path) == repr(path)
    assert len(quoted_path("x" * 5_000)) < LONGEST_PATH


def test_a_text_of_just_the_length_that_is_allowed_stays():
    assert shortened("x" * LONGEST) == "x" * LONGEST
    assert "81 characters" in shortened("x" * (LONGEST + 1))


def test_a_line_keeps_its_words_but_for_those_that_are_longer_than_paths():
    line = f"no such option {'x' * 5_000}: expected one of a, b"
    assert without_long_words(line).endswith("(5001 characters) expected one of a, b")
    assert without_long_words("a " * 5_000) == "a " * 5_000


def test_a_long_text_that_somebody_gave_is_one_word():
    given = "two words " * 500
    line = without_long_words(f"no such option: {given}; see --help", ["ls", given])
    assert line.endswith("(5000 characters); see --help")
    assert len(line) < 200
