"""A disk that fills during a training: one line with the path, nothing half there, and the same command goes on."""

import pytest

from offbook.harness.records.locks import LOCK
from tests.full_disk import files_of_at_most
from tests.harness.cli.test_cli import LEARN, status
from tests.published import save_published
from tests.tiny import save_tiny

DRAFT = [
    *("train-drafter", "eagle2", "--answers", "regenerate", "--limit", "4", "--epochs", "1"),
    *("--draft-vocab-size", "64"),
]
IMPORT = ["import-drafter", "PUBLISHED"]


@pytest.mark.parametrize("command", [LEARN, DRAFT, IMPORT], ids=["student", "drafter", "published drafter"])
def test_a_training_whose_disk_fills_says_where_and_goes_on_once_there_is_room(command, tmp_path, capsys):
    tiny, out = save_tiny(tmp_path / "tiny"), tmp_path / "out"
    published = save_published(tmp_path / "published")
    command = [word.replace("PUBLISHED", str(published)) for word in command]
    arguments = [*command, "--model", str(tiny), "--output", str(out), "--device", "cpu"]
    for size in (100, 20_000):
        with files_of_at_most(size):
            assert status(*arguments) == 2
        line = capsys.readouterr().err.strip().splitlines()[-1]
        assert line.startswith(f"offbook: error: {out}")
        assert line.endswith(": File too large; make room and run the same command again")
    assert status(*arguments) == 0
    assert {path.name for path in out.rglob("*") if path.name.startswith(".") and path.is_file()} == {LOCK}
