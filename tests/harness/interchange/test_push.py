"""Cards, and the way to the hub: a folder stands for it here, and nothing is ever sent but on command."""

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest
from huggingface_hub import ModelCard

import offbook
from offbook.engine.model_identity import model_identity
from offbook.harness.cli.main import main
from offbook.harness.interchange import hub
from offbook.harness.records.store import Store
from tests.checkpoints import save_student
from tests.harness.interchange.committed import RESULTS
from tests.harness.tables.exams import exam, filled

QUESTION = "one two three four, one two three"
GPQA = "offbook_gpqa_diamond"


def status(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def student(tmp_path_factory) -> Path:
    folder = save_student(tmp_path_factory.mktemp("students") / "mine")
    (folder / "state").mkdir()
    (folder / "state" / "optimiser.pt").write_bytes(b"left over")
    (folder / "notes.txt").write_text("not of the student")
    return folder


@pytest.fixture(scope="module")
def records(student, tmp_path_factory) -> Path:
    """An exam of the student, of the untouched model, and of somebody else's student."""
    mine = {
        "student": "uniform_rationales",
        "weights_sha256": model_identity(str(student)).weights_sha256,
        "scores": {"sums": [1.0, 1.0, 0.0, 1.0], "dates": [0.0, 1.0], GPQA: [1.0] * 100 + [0.0] * 98},
    }
    others = {"sums": [0.0, 1.0, 0.0, 0.0], "dates": [1.0, 1.0], GPQA: [1.0] * 50 + [0.0] * 148}
    exams = [exam(**mine), exam("untouched", scores=others), exam("mind", scores=others)]
    return filled(tmp_path_factory.mktemp("records"), exams)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_student_pushed_to_a_mirror_loads_by_path_with_its_card(student, records, tmp_path, capsys):
    assert status("push", student, "someone/tiny-student", "--records", records, "--mirror", tmp_path / "hub") == 0
    place = tmp_path / "hub" / "someone" / "tiny-student"
    assert capsys.readouterr().out.strip() == str(place)
    told = {"README.md", ".eval_results/gpqa_diamond.yaml", "distillation.json", "model.safetensors", "tokenizer.json"}
    assert told <= files(place)
    assert not {"notes.txt", "state/optimiser.pt"} & files(place)
    original, pushed = (offbook.load(str(folder)) for folder in (student, place))
    answers = [offbook.generate(target, QUESTION, max_new_tokens=16).generation.tokens for target in (original, pushed)]
    assert answers[0] == answers[1]
    assert original.weights_sha256 == pushed.weights_sha256
    assert original.settings_sha256 == pushed.settings_sha256


def test_its_card_says_what_it_is_how_it_was_trained_and_its_rows_of_the_table(student, records, tmp_path):
    assert status("export", "card", student, "--records", records, "--output", tmp_path / "card") == 0
    card = ModelCard((tmp_path / "card" / "README.md").read_text(encoding="utf-8"))
    assert card.data.library_name == "transformers"
    assert card.data.tags == ["offbook", "distillation", "uniform_rationales"]
    scores = {result.dataset_name: result.metric_value for result in card.data.eval_results}
    assert scores == {"sums": 0.75, "dates": 0.5, GPQA: round(100 / 198, 4)}
    assert "# uniform_rationales, seed 0: a student of toy" in card.text
    assert "| Gradient tokens | 905 |" in card.text
    rows = [line for line in card.text.splitlines() if line.startswith("| toy ")]
    assert len(rows) == 2, "a row a group, of this student alone"
    assert (
        "Not told to the hub's leaderboards: dates: no benchmark of the hub's; sums: no benchmark of the hub's."
        in card.text
    )
    assert "Nobody has asked yet" in card.text


def test_without_records_a_card_says_that_there_are_none(student, tmp_path):
    assert status("export", "card", student, "--output", tmp_path / "card") == 0
    text = (tmp_path / "card" / "README.md").read_text(encoding="utf-8")
    assert "Among the records that were given is no exam of these weights." in text
    assert files(tmp_path / "card") == {"README.md"}


def test_a_dry_run_tells_what_would_go_and_writes_nothing(student, records, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(hub, "HfApi", None)  # nobody calls it
    asked = ("push", student, "someone/tiny-student", "--records", records, "--dry-run")
    before = files(student)
    assert status(*asked, "--mirror", tmp_path / "hub") == 0
    assert status(*asked) == 0
    told = capsys.readouterr()
    assert not (tmp_path / "hub").exists()
    assert files(student) == before
    for name in ("README.md", "distillation.json", "model.safetensors"):
        assert f"  {name}\n" in told.out
    assert "# uniform_rationales, seed 0" in told.out
    assert "would go: " in told.err
    assert "nothing was written or sent" in told.err
    assert status(*asked, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert set(content) == {"repository", "place", "files", "card"}
    assert (content["repository"], content["place"]) == ("someone/tiny-student", None)
    assert content["files"]["distillation.json"] == (student / "distillation.json").stat().st_size


class FakeHub:
    """The hub's client, which keeps what it is given."""

    calls: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def __init__(self, **_: object) -> None:
        self.calls.clear()

    def create_repo(self, repository: str, **settings: object) -> str:
        self.calls.append((repository, settings))
        return f"https://huggingface.co/{repository}"

    def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> None:
        self.calls.append((repo_id, {"files": files(Path(folder_path)), "message": commit_message}))


@pytest.mark.parametrize(("flags", "private"), [((), True), (("--public",), False)])
def test_a_push_makes_a_private_repository_unless_told_and_uploads_once(student, monkeypatch, capsys, flags, private):
    monkeypatch.setattr(hub, "HfApi", FakeHub)
    assert status("push", student, "someone/tiny-student", *flags) == 0
    assert capsys.readouterr().out.strip() == "https://huggingface.co/someone/tiny-student"
    (_, made), (repository, sent) = FakeHub.calls
    assert made == {"private": private, "exist_ok": True}
    assert repository == "someone/tiny-student"
    assert {"README.md", "model.safetensors"} <= sent["files"]
    assert sent["message"] == f"From offbook {offbook.__version__}"


@pytest.mark.parametrize("name", ["student", "a/b/c", "some one/x", "someone/..", ""])
def test_a_name_that_the_hub_has_not_is_refused_before_anything_is_read(student, name, capsys):
    assert status("push", student, name, "--dry-run") == 2
    assert "expected a repository as OWNER/NAME" in capsys.readouterr().err


def test_an_edited_student_and_a_plain_model_are_refused(student, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(student, copy)
    told = json.loads((copy / "distillation.json").read_text())
    (copy / "distillation.json").write_text(json.dumps({**told, "steps": 99}))
    assert status("push", copy, "a/b", "--dry-run") == 2
    assert "was changed after it was written" in capsys.readouterr().err
    (copy / "distillation.json").unlink()
    assert status("push", copy, "a/b", "--dry-run") == 2
    assert "found a model that is neither" in capsys.readouterr().err


def test_a_certificate_of_something_else_is_refused(student, tmp_path, capsys):
    certificate = RESULTS / "certificates" / "readme.json"
    assert status("export", "card", student, "--certificate", certificate, "--output", tmp_path / "card") == 2
    assert "expected a certificate of it" in capsys.readouterr().err
    (tmp_path / "no.json").write_text("{}")
    assert status("export", "card", student, "--certificate", tmp_path / "no.json") == 2
    assert "expected a certificate of a contender" in capsys.readouterr().err


def test_a_certificate_of_these_very_weights_goes_with_the_card(student, tmp_path):
    held = json.loads((RESULTS / "certificates" / "readme.json").read_text(encoding="utf-8"))
    held["subject"]["weights_sha256"] = model_identity(str(student)).weights_sha256
    (tmp_path / "certificate.json").write_text(json.dumps(held))
    asked = ("--certificate", tmp_path / "certificate.json", "--output", tmp_path / "card")
    assert status("export", "card", student, *asked) == 0
    assert "Verdict: LOSSLESS." in (tmp_path / "card" / "README.md").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "card" / "certificate.json").read_text())["verdict"] == "lossless"


def test_the_checkpoint_itself_is_no_mirror(student, tmp_path, capsys):
    shutil.copytree(student, tmp_path / "hub" / "me" / "mine")
    assert status("push", tmp_path / "hub" / "me" / "mine", "me/mine", "--mirror", tmp_path / "hub") == 2
    assert "expected another folder than the checkpoint's own" in capsys.readouterr().err


def test_a_card_names_no_folder_of_this_machine(student, records, tmp_path):
    assert status("export", "card", student, "--records", records, "--output", tmp_path / "card") == 0
    text = (tmp_path / "card" / "README.md").read_text(encoding="utf-8")
    assert str(student.parent) not in text
    assert str(records) not in text
    assert len(Store(records).exams()) == 3
