"""Paths as people write them."""

from pathlib import Path

import pytest

from offbook.engine.cache_folder import cache_folder
from offbook.engine.embedded_folder import prepare
from offbook.engine.paths import user_path


def test_a_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/somebody")
    assert user_path("~/models") == Path("/somebody/models")
    assert user_path("a/~/b") == Path("a/~/b")


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("~nobodyx/a", "--output: expected a home folder for '~nobodyx', found no such user"),
        ("", "--output: expected a path, got an empty text"),
        ("a\0b", r"--output: expected a path of printable characters, got 'a\\x00b'"),
        ("a\nb", "--output: expected a path of printable characters"),
    ],
)
def test_what_is_no_path_is_refused_with_its_place(path, complaint):
    with pytest.raises(ValueError, match=complaint) as told:
        user_path(path, what="--output")
    assert "\n" not in str(told.value)


def test_a_cache_that_cannot_be_written_is_told_with_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("OFFBOOK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(
        ValueError, match=r"expected a place for prepared models .* name another folder with OFFBOOK_CACHE"
    ):
        prepare("smollm2-135m-instruct")


def test_nobodys_home_as_cache_is_told_with_its_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OFFBOOK_CACHE", "~nobodyx")
    with pytest.raises(ValueError, match="OFFBOOK_CACHE: expected a home folder"):
        cache_folder()
