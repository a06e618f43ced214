"""What lies in the way of records and tables is told before any work, by every command that writes them."""

import pytest

from offbook.harness.artifacts import train_drafter, train_student
from offbook.harness.cli.console import STORE_FILES, STORE_FOLDERS
from offbook.harness.cli.main import main
from offbook.harness.trials import decoding
from tests.harness.suites.test_task_mistakes import GOOD, ROWS, evaluate, write
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def store(tiny_folder, tmp_path_factory):
    """A store that `evaluate` made."""
    folder = tmp_path_factory.mktemp("store")
    tasks = write(folder / "tasks", GOOD, rows=ROWS)
    assert evaluate(tiny_folder, tasks, folder / "out") == 0
    return folder / "out"


def refused(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert end.value.code == 2
    return " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.parametrize("name", [*STORE_FOLDERS, *STORE_FILES])
@pytest.mark.parametrize("command", ["evaluate --tasks qa", "reproduce", "report STORE"])
def test_what_is_in_the_way_of_a_record_or_a_table_is_told_at_once(command, name, store, tmp_path, monkeypatch, capsys):
    if name in STORE_FOLDERS and command.startswith("report"):
        pytest.skip("it writes tables only")
    monkeypatch.setattr(decoding._Watch, "generate", lambda *a, **k: pytest.fail("a model worked"))
    if name in STORE_FOLDERS:
        (tmp_path / name).write_text("")
    else:
        (tmp_path / name).mkdir()
    said = refused(capsys, *command.replace("STORE", str(store)).split(), "--output", str(tmp_path))
    kind, found = ("folder", "file") if name in STORE_FOLDERS else ("file", "folder")
    assert f"expected room for the {kind} {name}, got the {found} " in said
    assert "; move it, or choose another" in said


def test_a_link_that_leads_nowhere_is_in_the_way_of_a_folder(tmp_path, capsys):
    (tmp_path / "records").symlink_to(tmp_path / "nowhere")
    assert "expected room for the folder records" in refused(
        capsys, "evaluate", "--tasks", "qa", "--output", str(tmp_path)
    )


def test_tables_that_go_into_the_store_itself_are_looked_at_too(store, tmp_path, capsys):
    (tmp_path / "records").symlink_to(store / "records")
    (tmp_path / "LEADERBOARD.md").mkdir()
    assert "expected room for the file LEADERBOARD.md" in refused(capsys, "report", str(tmp_path))


def test_every_name_that_a_store_gets_is_looked_at(store):
    assert {path.name for path in store.iterdir() if not path.name.startswith(".")} <= {*STORE_FOLDERS, *STORE_FILES}


STUDENT = "train-student single_rationale --questions 2 --dev-questions 1 --gradient-tokens 9 --device cpu"


@pytest.mark.parametrize("command", ["run FILE", "evaluate --tasks qa", "reproduce"])
def test_the_folder_of_a_model_is_no_place_for_records(command, tiny_folder, tmp_path, capsys):
    (tmp_path / "m.yaml").write_text("{}")
    arguments = command.replace("FILE", str(tmp_path / "m.yaml")).split()
    said = refused(capsys, *arguments, "--output", tiny_folder)
    assert "expected a run's folder or a new one, got a model's (config.json); choose another" in said


@pytest.mark.parametrize(
    ("command", "whose"),
    [(STUDENT, "student"), (f"{STUDENT} --config FILE", "student"), ("train-drafter eagle2", "drafter")],
)
def test_the_folder_of_a_model_is_no_place_for_another(command, whose, tmp_path, monkeypatch, capsys):
    for module in (train_student, train_drafter):
        for name in ("model_identity", "load_material", "load_target"):
            monkeypatch.setattr(module, name, lambda *a, **k: pytest.fail("something was loaded"), raising=False)
    model = save_tiny(tmp_path / "model")
    before = {path: path.read_bytes() for path in model.iterdir()}
    (tmp_path / "file.yaml").write_text(f"output: {model}\n")
    named = command.replace("FILE", str(tmp_path / "file.yaml")).split()
    said = refused(capsys, *named, *([] if "FILE" in command else ["--output", str(model)]), "--model", str(model))
    assert f"expected a {whose}'s folder or a new one, got a model's (config.json); choose another" in said
    assert {path: path.read_bytes() for path in model.iterdir()} == before


def test_a_student_is_no_place_for_a_drafter_nor_a_drafter_for_a_student(tmp_path, capsys):
    drafter, student = save_tiny(tmp_path / "drafter"), save_tiny(tmp_path / "student")
    (drafter / "config.json").write_text('{"architecture": "eagle2"}')
    (student / "distillation.json").write_text("{}")
    model = ["--model", str(save_tiny(tmp_path / "model"))]
    for command, folder in ((STUDENT, drafter), ("train-drafter eagle2", student)):
        assert "got a model's (config.json)" in refused(capsys, *command.split(), *model, "--output", str(folder))
