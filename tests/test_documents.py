"""What the documents tell people to type is typed here: every command exists, parses, and README's own do run."""

import ast
import functools
import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lm_eval._cli.harness import HarnessCLI

import offbook
from offbook.engine.embedded import ALIASES, ENCODERS
from offbook.engine.embedded_folder import prepare
from offbook.engine.model_identity import RECIPE
from offbook.harness.certificates.report import Part, Report
from offbook.harness.cli import main as cli
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.distillers import distiller
from offbook.harness.settings.profiles import load_profile
from offbook.harness.suites.suite import PREFIX, suite_names
from tests.documents import ROOT, blocks, documents, fenced, mentions, program, snippets
from tests.engine.students.test_text_encoder import tiny_encoder
from tests.tiny import tiny_model, tiny_tokenizer

README = (ROOT / "README.md").read_text(encoding="utf-8")
MODEL, ENCODER = "smollm2-135m-instruct", "all-minilm-l6-v2"
SAID = [(path, words) for path in documents() for words in mentions(path.read_text(encoding="utf-8"))]
WRITTEN = [(path, block) for path in documents() for block in blocks(path.read_text(encoding="utf-8"))]
EVERY = [*SAID, *((path, words) for path, block in WRITTEN for words in block)]
COMMANDS = [case for number, case in enumerate(EVERY) if case not in EVERY[:number]]
(FIRST_RESULT,) = (block for block in blocks(README) if any("evaluate" in words for words in block))


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Commands that were called, with the values of their options; none does anything."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def note(name: str, callback: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(callback)
        def noted(**values: Any) -> None:
            calls.append((name, values))

        return noted

    for command in cli.app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        monkeypatch.setattr(command, "callback", note(name, command.callback))
    return calls


def typed(words: list[str]) -> int:
    """Status of `offbook` with these arguments."""
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert isinstance(end.value.code, int)
    return end.value.code


def title(case: tuple[Path, list[str]]) -> str:
    return f"{case[0].relative_to(ROOT)}: {' '.join(case[1])}"


def test_documents_name_commands():
    assert {program(words) for _, words in COMMANDS} >= {"offbook", "nox", "python3", "pip"}
    assert len({words[1] for _, words in COMMANDS if program(words) == "offbook"}) >= 6
    assert len(FIRST_RESULT) >= 5
    assert len(snippets(README)) == 1


@pytest.mark.parametrize("case", [c for c in COMMANDS if program(c[1]) == "offbook"], ids=title)
def test_a_command_of_the_documents_is_one(case, called, tmp_path, monkeypatch, capsys):
    _, (_, *words) = case
    monkeypatch.chdir(tmp_path)
    if case in SAID and len(words) == 1:  # a mention by name alone
        assert typed([*words, "--help"]) == 0
        return
    assert typed(words) == 0, capsys.readouterr().err
    ((name, values),) = called
    check = {"evaluate": check_evaluate, "lm-eval": check_lm_eval}.get(name)
    if check is not None:
        check(values, monkeypatch)
    if name == "train-student" and values["method"] not in made_by(case[0]):
        distiller(values["method"])
    if name in ("generate", "train-drafter") and values.get("decoder") not in made_by(case[0]):
        contender(values.get("decoder") or values["name"])
    if name == "reproduce":
        load_profile(values["profile"])
    if name == "report":
        store = values["store"]
        made = [words[words.index("--output") + 1] for _, block in WRITTEN for words in block if "--output" in words]
        assert (ROOT / store).is_dir() or str(store) in made, f"{store} is no folder, and no command makes it"


def made_by(path: Path) -> set[str]:
    """Contenders that a document makes itself: the entry points of its projects."""
    projects = map(tomllib.loads, fenced(path.read_text(encoding="utf-8"), "toml"))
    return {name for told in projects for group in told["project"]["entry-points"].values() for name in group}


def check_evaluate(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for suite in values["tasks"].split(","):
        assert suite.removeprefix(PREFIX) in suite_names()
    for decoder in (values["decoders"] or "").split(","):
        if decoder:
            contender(decoder)


def check_lm_eval(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """lm-eval parses its own arguments, with whatever short forms it allows."""
    monkeypatch.setattr(sys, "argv", ["lm-eval", *values["context"].args])
    asked = HarnessCLI().parse_args()
    assert asked.command == "run"
    assert asked.tasks
    if asked.model == "offbook":
        assert asked.model_args["pretrained"] in ALIASES
        contender(asked.model_args["decoder"])
        assert {task.removeprefix(PREFIX) for task in asked.tasks} <= set(suite_names())


@pytest.mark.parametrize("case", [c for c in COMMANDS if program(c[1]) == "nox"], ids=title)
def test_a_session_of_the_documents_is_one(case, called, tmp_path, monkeypatch):
    _, words = case
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    sessions = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any("session" in ast.unparse(d) for d in node.decorator_list)
    } | set(re.findall(r'@nox\.session\(name="(\w+)"', (ROOT / "noxfile.py").read_text(encoding="utf-8")))
    if words[1:] == ["-l"]:
        return
    assert words[1] == "-s"
    assert words[2] in sessions
    if len(words) > 3:
        assert words[3] == "--"
        if words[2] == "reproduce":
            monkeypatch.chdir(tmp_path)
            assert typed(["reproduce", *words[4:]]) == 0
            load_profile(called[0][1]["profile"])
        else:
            check_pytest(words[4:])


@pytest.mark.parametrize("case", [c for c in COMMANDS if program(c[1]) in ("uv", "uvx")], ids=title)
def test_what_documents_have_uv_do_is_here(case, called, tmp_path, monkeypatch):
    """uv itself is not run: the files that it is given are there, and what it starts is a command of offbook's."""
    _, words = case
    assert words[:3] == ["uv", "tool", "install"] or words[0] == "uvx"
    assert (ROOT / words[words.index("--constraints") + 1]).is_file()
    place = words[words.index("--from") + 1] if words[0] == "uvx" else words[-1]
    assert (ROOT / place / "pyproject.toml").is_file()
    if words[0] == "uvx":
        monkeypatch.chdir(tmp_path)
        assert typed(words[words.index("offbook") + 1 :]) == 0
        assert len(called) == 1


@pytest.mark.parametrize("case", [c for c in COMMANDS if program(c[1]) == "pytest"], ids=title)
def test_tests_that_documents_name_are_there(case):
    check_pytest(case[1][1:])


def check_pytest(arguments: list[str]) -> None:
    for argument in arguments:
        assert not argument.startswith("tests") or (ROOT / argument.split("::")[0]).exists(), argument


@pytest.mark.parametrize(
    "case", [(p, b) for p, b in WRITTEN if b[0][1:3] == ["-m", "venv"]], ids=lambda c: title((c[0], c[1][-1]))
)
def test_what_documents_install_is_here(case):
    """Installing commands are not run: an environment is made first, and filled from files that are there."""
    _, block = case
    make, fill, *others = block
    assert make[:3] == ["python3", "-m", "venv"]
    folder = make[3]
    assert fill[:2] == [f"{folder}/bin/pip", "install"]
    for option, value in itertools.pairwise(fill):
        assert option not in ("-c", "-r") or (ROOT / value).is_file()
        assert option != "-e" or (ROOT / value / "pyproject.toml").is_file()
    for words in others:
        assert words[0] in (f"{folder}/bin/offbook", f"{folder}/bin/nox")


@pytest.fixture
def stand_in(tmp_path, monkeypatch, tmp_path_factory) -> Path:
    """A fresh folder to work in, where the embedded model and encoder are tiny ones of the same names."""
    models = tmp_path_factory.mktemp("cache") / "models"
    tiny = models / f"{MODEL}-{ALIASES[MODEL].sha256[:8]}-{RECIPE}"
    model = tiny_model(max_position_embeddings=8192)
    model.generation_config.eos_token_id = list(range(64, 258))  # short answers
    model.save_pretrained(tiny)
    tiny_tokenizer().save_pretrained(tiny)
    encoder = models / f"{ENCODER}-{ENCODERS[ENCODER].sha256[:8]}-{RECIPE}"
    tiny_encoder(64).model.save_pretrained(encoder)
    tiny_encoder(64).tokenizer.save_pretrained(encoder)
    monkeypatch.setenv("OFFBOOK_CACHE", str(models.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trains(words: list[str]) -> bool:
    """Whether a command trains, or uses what one has trained."""
    made = [w[w.index("--output") + 1] for w in FIRST_RESULT if "--output" in w and w[1].startswith("train-")]
    return words[1].startswith("train-") or any(folder in words for folder in made)


def test_readmes_first_commands_run_as_they_stand(stand_in, capsys):
    for words in FIRST_RESULT:
        if program(words) == "offbook" and not trains(words):
            assert typed(words[1:]) == 0, capsys.readouterr().err
    assert (stand_in / "runs" / "first" / "LEADERBOARD.md").is_file()


def test_readmes_certificate_is_the_committed_one_of_the_command_above_it():
    (place,) = re.findall(r"\]\((results/certificates/[\w.-]+\.json)\)", README)
    held = json.loads((ROOT / place).read_text(encoding="utf-8"))
    report = Report(subject=held["subject"], parts=[Part(**part) for part in held["parts"]], manifest=held["manifest"])
    quoted = " ".join(line[2:] for line in README.splitlines() if line.startswith("> "))
    assert quoted == report.paragraph()
    typed_there = [word for word in held["manifest"]["argv"][1:] if word not in ("--output", "[path]")]
    assert any(["offbook", *typed_there] in block for block in blocks(README))


def test_readmes_python_runs_as_it_stands(stand_in, capsys):
    (snippet,) = snippets(README)
    exec(compile(snippet, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert re.search(r"\d+ tokens in \d+ verify forwards:", said)
    assert re.search(r"prompt_lookup +offbook_qa .* lossless", said)


def test_reading_a_record_reads_the_committed_ones(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    for snippet in snippets((ROOT / "docs" / "reading-a-record.md").read_text(encoding="utf-8")):
        exec(compile(snippet, "reading-a-record.md", "exec"), {})
    said = capsys.readouterr().out
    assert re.search(r"^untouched +autoregressive +1\.0", said, re.M)


@pytest.mark.slow
def test_readmes_lm_eval_command_runs_as_it_stands(stand_in, capsys):
    commands = [words for words in mentions(README) if words[:2] == ["offbook", "lm-eval"]]
    assert commands
    for words in commands:
        assert typed(words[1:]) == 0, capsys.readouterr().err
        assert "|offbook_qa|" in capsys.readouterr().out.replace(" ", "")


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_readmes_commands_run_with_the_embedded_model(tmp_path):
    try:
        prepare(MODEL)
        prepare(ENCODER)
    except ValueError as error:
        pytest.skip(f"the embedded models are out of reach: {error}")
    script = tmp_path / ".venv" / "bin" / "offbook"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m offbook.harness.cli.main "$@"\n')
    script.chmod(0o755)
    environment = os.environ | {"PYTHONPATH": str(Path(offbook.__file__).parent.parent)}
    for words in FIRST_RESULT:
        if program(words) == "offbook":
            done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{words}\n{done.stderr}"
