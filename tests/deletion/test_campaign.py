"""What came of each deletion is kept, and the page tells all of it, whoever added it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deletion.campaign import ROOT, main, title
from tests.deletion.contenders import Entrant, entrants

ENTRANTS = entrants(ROOT)
FIRST, SECOND = (entrant.path.stem for entrant in ENTRANTS[:2])


@pytest.fixture
def deleted(monkeypatch) -> list[str]:
    """Who was, in this order."""
    found: list[str] = []

    def delete(entrant: Entrant) -> dict[str, object]:
        found.append(entrant.path.stem)
        told = {"deleted": title(entrant), "deleted_tests": 1, "steps": {"ls": "ok"}, "seconds": 2}
        return {**told, "right": True, "told": ""}

    monkeypatch.setattr("tests.deletion.campaign.delete", delete)
    return found


@pytest.fixture
def page_of(tmp_path: Path, monkeypatch) -> Callable[..., str]:
    """Runs the campaign of some code, and gives its page."""

    def run(*arguments: str, code: str = "a") -> str:
        monkeypatch.setattr(
            "tests.deletion.campaign.origin", lambda *_: {"code": code, "commit": code * 40, "machine": "one core"}
        )
        files = ("--summary", str(tmp_path / "page.md"), "--lines", str(tmp_path / "lines.jsonl"))
        monkeypatch.setattr("sys.argv", ["campaign", *files, *arguments])
        assert main() == 0
        return (tmp_path / "page.md").read_text(encoding="utf-8")

    return run


def test_pieces_add_up_and_nobody_is_deleted_twice(deleted, page_of):
    assert f"1 of {len(ENTRANTS)} were deleted; 0 broke something." in page_of("--only", FIRST)
    page_of("--only", FIRST, SECOND)
    assert deleted == [FIRST, SECOND]
    page = page_of("--only")
    assert deleted == [FIRST, SECOND]
    assert f"2 of {len(ENTRANTS)} were deleted" in page
    titles = ", ".join(title(entrant) for entrant in ENTRANTS[:2])
    assert f"- one core: {titles}." in page


def test_other_code_is_shown_anew_unless_what_there_is_shall_be_kept(deleted, page_of):
    page_of("--only", FIRST, SECOND)
    page_of("--only", FIRST, code="b")
    assert deleted == [FIRST, SECOND, FIRST]
    page = page_of("--only", FIRST, SECOND, "--keep", code="c")
    assert deleted == [FIRST, SECOND, FIRST]
    assert "| bbbbbbbbbbbb |" in page
    assert "| aaaaaaaaaaaa |" in page
