"""Nothing private leaves through whole commands: no byte of what they write tells a folder above, or a secret."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open

from offbook.harness.cli.main import main
from offbook.harness.matrix.graph import PLAN
from tests.published import published_config, save_published
from tests.tiny import save_tiny

OWNER = "zebra-the-owner"
SECRET = "hf_zebraSecretZebraSecret"
ENVIRONMENT = ("HF_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "OMP_PLACES", "USER", "LOGNAME")
CORPUS = ["--questions", "2", "--dev-questions", "1"]
TRAINING = ["--gradient-tokens", "400", "--questions-per-step", "1", "--evaluations", "1", "--max-length", "4096"]
DRAFTER = ["--answers", "regenerate", "--limit", "4", "--epochs", "1", "--draft-vocab-size", "64"]


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Somebody's folder, named after them, with a model that tells where it lay, as older libraries wrote it."""
    home = tmp_path_factory.mktemp("home") / OWNER
    tiny = save_tiny(home / "tiny")
    for name, keys in (
        ("config.json", ("_name_or_path", "name_or_path")),
        ("generation_config.json", ("_name_or_path",)),
        ("tokenizer_config.json", ("name_or_path", "tokenizer_file", "special_tokens_map_file")),
    ):
        content = json.loads((tiny / name).read_text())
        (tiny / name).write_text(json.dumps(content | dict.fromkeys(keys, f"/home/{OWNER}/{SECRET}/model")))
    return home


@pytest.fixture(scope="module")
def drafter(home) -> str:
    assert status("train-drafter", "eagle2", "--model", str(home / "tiny"), "--output", str(home / "d"), *DRAFTER) == 0
    return str(home / "d")


@pytest.fixture(autouse=True)
def secrets(home, monkeypatch):
    """Secrets and a name on the command line and in the environment."""
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("OFFBOOK_CACHE", str(home / "cache"))
    argv = [f"/home/{OWNER}/bin/offbook", "evaluate", "--token", SECRET, f"--option=api_key={SECRET}", SECRET]
    monkeypatch.setattr("sys.argv", argv)


def private(folder: Path, home: Path) -> list[str]:
    """The files below a folder in whose bytes or names a secret, the owner or the folders above stand.

    A run's plan is not looked at: workers find models and drafters by it.
    """
    words = [word.encode() for word in (SECRET, OWNER, "zebra", str(home), str(home.parent))]
    written = [file for file in folder.rglob("*") if file.is_file() and file.name != PLAN]
    assert written
    return [
        f"{file.relative_to(folder)}: {word!r}"
        for file in written
        for word in words
        if word in file.read_bytes() or word in file.name.encode()
    ]


def test_what_is_looked_for_is_found(home):
    assert len({found.partition(":")[0] for found in private(home / "tiny", home)}) == 3


@pytest.mark.parametrize(
    "method",
    [
        ["single_rationale"],
        ["logit_kd", "--option", "teacher=HOME/tiny"],
        ["medusa2", "--option", "heads_alone=0"],
        pytest.param(["uniform_rationales", "--lora-rank", "2"], marks=pytest.mark.slow),
        pytest.param(["edit"], marks=pytest.mark.slow),
        pytest.param(["mode_cotd", "--option", "held_out=1"], marks=pytest.mark.slow),
        pytest.param(["mcc_kd"], marks=pytest.mark.slow),
    ],
    ids=lambda method: method[0],
)
def test_a_student_tells_nothing_of_where_it_was_made(method, home):
    folder = home / f"student-{method[0]}"
    given = [argument.replace("HOME", str(home)) for argument in method]
    model = ["--model", str(home / "tiny"), "--output", str(folder), "--max-new-tokens", "2"]
    assert status("train-student", *given, *model, *CORPUS, *TRAINING) == 0
    assert not private(folder, home)
    assert not private(home / "cache", home)
    with safe_open(folder / "model.safetensors", "pt") as tensors:
        assert set(tensors.metadata() or {}) <= {"format"}


def test_a_student_is_not_made_with_a_secret_among_its_settings(home, capsys):
    folder = home / "refused"
    option = ["--option", f"api_key={SECRET}"]
    assert (
        status("train-student", "single_rationale", *option, "--model", str(home / "tiny"), "--output", str(folder))
        == 2
    )
    assert "api_key: unknown key, got " in capsys.readouterr().err
    assert not [file for file in folder.rglob("*") if file.is_file()]


def test_a_drafter_tells_nothing_of_where_it_was_made(home, drafter):
    assert not private(Path(drafter), home)
    assert json.loads((Path(drafter) / "config.json").read_text())["target"]["name"] == "tiny"


def test_a_drafter_that_was_imported_tells_nothing_of_where_it_lay(home):
    lay = dict.fromkeys(("_name_or_path", "base_model_name_or_path"), f"/home/{OWNER}/{SECRET}/model")
    source = save_published(home / "published", config=published_config() | lay)
    assert status("import-drafter", str(source), "--model", str(home / "tiny"), "--output", str(home / "imported")) == 0
    assert private(source, home)
    assert not private(home / "imported", home)


def test_records_and_tables_tell_nothing_of_who_ran_them(home, drafter, capsys):
    folder = home / "run"
    heat = ["--tasks", "qa", "--limit", "1", "--max-new-tokens", "3", "--decoders", "autoregressive,eagle2"]
    model = ["--model", str(home / "tiny"), "--drafter", f"eagle2={drafter}", "--option", "eagle2.total_tokens=4"]
    assert status("evaluate", *heat, *model, "--output", str(folder)) == 0
    assert not private(folder, home)
    assert status("report", str(folder), "--output", str(home / "tables")) == 0
    assert not private(home / "tables", home)
    assert list((folder / "records").glob("*.json")), "there is something to look through"


def test_a_corpus_and_its_report_tell_nothing_of_who_made_them(home):
    folder = home / "corpora"
    folder.mkdir()
    asked = ["--per-family", "1", "--limit", "2", "--licence", "CC0", "--target-size", "2"]
    assert status("synthesize", "--output", str(folder / "corpus.jsonl"), *asked) == 0
    assert (folder / "corpus.synthesis" / "report.json").is_file()
    assert not private(folder, home)
