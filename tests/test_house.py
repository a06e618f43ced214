"""The tree is as docs and README tell it: small files, rooms, and tests that mirror them."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_LINES = 300


def test_no_file_in_the_harness_is_longer_than_one_sitting():
    lines = {
        path.relative_to(ROOT / "harness").as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "harness").rglob("*.py")
    }
    assert len(lines) > 100
    assert [name for name, count in lines.items() if count > MOST_LINES] == []


def test_tests_of_the_harness_lie_in_its_rooms():
    rooms = {path.parent.name for path in (ROOT / "harness").glob("*/__init__.py")}
    tests = ROOT / "tests" / "harness"
    assert {path.name for path in tests.iterdir() if path.is_dir() and any(path.glob("*.py"))} == rooms
    assert [path.name for path in tests.glob("test_*.py")] == []
