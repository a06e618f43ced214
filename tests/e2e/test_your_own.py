"""A decoder and a distiller of another distribution, made of the code blocks of their documents and of nothing else."""

import os
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

import offbook
from tests.documents import ROOT, blocks, fenced
from tests.tiny import save_tiny

MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("own") / "tiny", max_position_embeddings=4096))


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def install(project: str, site: Path) -> None:
    """What pip leaves of a project: its metadata beside its modules, which lie in `site` already."""
    told = tomllib.loads(project)
    name, version = told["project"]["name"], told["project"]["version"]
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = told["project"]["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in of.items()) for group, of in groups]
    (folder / "entry_points.txt").write_text("\n".join(lines))
    modules = told["tool"]["setuptools"]
    for module in (*modules.get("packages", ()), *(f"{name}.py" for name in modules.get("py-modules", ()))):
        assert (site / module).exists()


def on_a_tiny_model(matrix: str, model: str, path: Path, **changes: Any) -> None:
    """The document's matrix with another model, and sizes for it."""
    content = yaml.safe_load(matrix)
    assert list(content["models"]) == [MODEL]
    path.write_text(yaml.safe_dump({**content, **changes, "models": {model: {}}}))


def python(*arguments: str, site: Path, cwd: Path) -> str:
    """What a Python with this distribution installed says."""
    environ = os.environ | {"PYTHONPATH": f"{Path(offbook.__file__).parent.parent}{os.pathsep}{site}"}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def typed(text: str) -> list[list[str]]:
    """The `offbook run` commands of a document."""
    return [words[1:] for block in blocks(text) for words in block if words[:2] == ["offbook", "run"]]


def test_the_decoder_of_the_document_says_what_the_target_says(tiny, monkeypatch, capsys):
    code, trial, _ = fenced(document("your-decoder.md"), "python")
    assert len(code.splitlines()) <= 40
    module = types.ModuleType("offbook_echo")
    exec(code, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(trial.replace(f'"{MODEL}"', repr(tiny)), {})
    tokens, forwards = re.match(r"(\d+) tokens in (\d+) verify forwards", capsys.readouterr().out).groups()
    assert 0 < int(forwards) < int(tokens)


@pytest.mark.slow
def test_a_decoder_of_forty_lines_joins_a_matrix_from_its_document_alone(tiny, tmp_path):
    text, site, work = document("your-decoder.md"), tmp_path / "site", tmp_path / "work"
    site.mkdir()
    work.mkdir()
    code, trial, reading = fenced(text, "python")
    (project,), (matrix,) = fenced(text, "toml"), fenced(text, "yaml")
    (site / "offbook_echo.py").write_text(code)
    trial = trial.replace(f'"{MODEL}"', repr(tiny))
    said = python("-c", trial, site=site, cwd=work)
    assert re.search(r"\d+ tokens in \d+ verify forwards", said)

    install(project, site)
    suites = {name: {"limit": 2, "max_new_tokens": 24} for name in yaml.safe_load(matrix)["suites"]}
    on_a_tiny_model(matrix, tiny, work / "echo.yaml", suites=suites)
    ran = typed(text)
    assert len(ran) == 2
    for words in ran:
        python("-m", "offbook.harness.cli", *words, site=site, cwd=work)

    records = offbook.records(work / "runs" / "echo")
    rows = records[records["decoder"] == "echo"]
    assert sorted(rows["suite"]) == ["offbook_extraction", "offbook_qa"]
    assert set(rows["verdict"]) == {"lossless"}
    assert (rows["acceptance_length"] >= 1).all()
    assert (rows["speedup"] > 0).all()
    assert "echo" in python("-c", reading, site=site, cwd=work)


@pytest.mark.slow
def test_a_distiller_joins_a_matrix_from_its_document_alone(tiny, tmp_path):
    text, site, work = document("your-distiller.md"), tmp_path / "site", tmp_path / "work"
    (site / "offbook_shortest").mkdir(parents=True)
    work.mkdir()
    train, method, reading = fenced(text, "python")
    (project,), (matrix,) = fenced(text, "toml"), fenced(text, "yaml")
    (site / "offbook_shortest" / "train.py").write_text(train)
    (site / "offbook_shortest" / "__init__.py").write_text(method)
    install(project, site)
    told = yaml.safe_load(matrix)
    on_a_tiny_model(
        matrix,
        tiny,
        work / "shortest.yaml",
        training={**told["training"], "gradient_tokens": 600, "max_length": 4096},
        corpus={"questions": 7, "dev_questions": 7},
        exams={**told["exams"], "limit": 2, "max_new_tokens": 8},
    )
    for words in typed(text):
        python("-m", "offbook.harness.cli", *words, site=site, cwd=work)

    records = offbook.records(work / "runs" / "shortest-matrix")
    assert {(row.student, row.method) for row in records.itertuples()} == {
        ("untouched", "untouched"),
        ("shortest", "shortest"),
        ("shortest two", "shortest"),
        ("all", "uniform_rationales"),
    }
    assert sorted(records[records["student"] == "shortest"]["training_seed"]) == [0, 1]
    assert "shortest two" in python("-c", reading, site=site, cwd=work)
