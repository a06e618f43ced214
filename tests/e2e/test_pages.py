"""The tutorials run as they stand: pages on starting, on bringing one's own, on commands, on reading results."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

import offbook
from offbook.harness.cli.main import main
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import parse
from offbook.harness.settings.strict_yaml import parse_yaml
from tests.documents import ROOT, blocks, fenced, program, snippets
from tests.test_documents import stand_in  # noqa: F401 (a fixture)
from tests.tiny import save_tiny

MODEL = "smollm2-135m-instruct"
STUDENT = "## A first student"


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def typed(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What `offbook` with these arguments prints."""
    with pytest.raises(SystemExit) as end:
        main(words)
    told = capsys.readouterr()
    assert end.value.code == 0, f"{words}\n{told.err}"
    return told.out


def commands(name: str) -> list[list[str]]:
    return typed_in(page(name))


def typed_in(text: str) -> list[list[str]]:
    return [words[1:] for block in blocks(text) for words in block if program(words) == "offbook"]


def test_the_start_page_runs_as_it_stands(stand_in, capsys):  # noqa: F811
    ran = typed_in(page("index.md").partition(STUDENT)[0])
    assert {words[0] for words in ran} == {"ls", "generate", "evaluate", "report"}
    for words in ran:
        typed(words, capsys)
    assert (stand_in / "runs" / "start" / "LEADERBOARD.md").is_file()
    (snippet,) = snippets(page("index.md"))
    exec(compile(snippet, "index.md", "exec"), {})
    said = capsys.readouterr().out
    assert re.search(r"\d+ tokens in \d+ verify forwards:", said)
    assert re.search(r"prompt_lookup +offbook_qa .* lossless", said)


@pytest.mark.slow
def test_the_first_student_of_the_start_page_is_trained_as_it_stands(stand_in, capsys):  # noqa: F811
    ran = typed_in(page("index.md").partition(STUDENT)[2])
    assert [words[0] for words in ran] == ["train-student", "generate"]
    for words in ran:
        typed(words, capsys)
    assert (stand_in / "runs" / "student" / "distillation.json").is_file()


def test_the_api_pages_example_runs_as_it_stands(stand_in, capsys):  # noqa: F811
    (snippet,) = snippets(page("api.md"))
    exec(compile(snippet, "api.md", "exec"), {})
    assert re.search(r"\d+ verify forwards for \d+ tokens", capsys.readouterr().out)


def test_runs_and_records_are_compared_as_their_page_has_it(stand_in, capsys):  # noqa: F811
    ask = ["evaluate", "--suite", "offbook_qa", "--decoders", "autoregressive,prompt_lookup", "--limit", "2"]
    for name in ("first", "second"):
        typed([*ask, "--output", f"runs/{name}"], capsys)
    one, other = sorted((stand_in / "runs" / "first" / "records").glob("*.json"))
    files = {"runs/first/records/NAME.json": str(one), "runs/first/records/OTHER.json": str(other)}
    meant = {**files, "0123456789ab": one.stem[-12:], "ba9876543210": other.stem[-12:]}
    compared = [words for words in commands("commands.md") if words[0] == "compare"]
    assert len(compared) == 4
    for words in compared:
        assert "acceptance" in typed([meant.get(word, word) for word in words], capsys)


@pytest.mark.parametrize("name", ["reading-the-board.md", "losslessness.md"])
def test_pages_on_results_read_the_committed_ones(name, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    for snippet in snippets(page(name)):
        exec(compile(snippet, name, "exec"), {})
    assert "lossless" in capsys.readouterr().out


def test_a_task_of_ones_own_is_the_two_files_of_its_page(stand_in, monkeypatch, capsys):  # noqa: F811
    text = page("bring-your-own.md")
    asked, run = snippets(text)
    (task,) = (block for block in fenced(text, "yaml") if block.startswith("task: "))
    folder = stand_in / "capitals"
    folder.mkdir()
    (folder / "asked.py").write_text(asked)
    (folder / "capitals.yaml").write_text(task)
    exec(compile(run, "bring-your-own.md", "exec"), {})
    assert "autoregressive" in capsys.readouterr().out
    answers = offbook.answers(stand_in / "runs" / "capitals")
    assert set(answers["suite"]) == {"capitals"}
    assert len(answers) == 8
    sys.modules.pop("asked", None)


def test_its_scorer_tells_right_from_wrong():
    asked, _ = snippets(page("bring-your-own.md"))
    found: dict[str, object] = {}
    exec(compile(asked, "asked.py", "exec"), found)
    score = found["score"]
    assert callable(score)
    assert score({"answer": "Lima"}, ["The capital of Peru is Lima."]) == {"acc": 1.0}
    assert score({"answer": "Lima"}, ["The answer is Paris."]) == {"acc": 0.0}


def test_its_questions_are_a_question_file(tmp_path):
    from offbook.tasks.loaders import load_question_file

    (lines,) = fenced(page("bring-your-own.md"), "json")
    (tmp_path / "questions.jsonl").write_text(lines)
    prompts = load_question_file(tmp_path / "questions.jsonl")
    assert [prompt.id for prompt in prompts] == ["1", "2", "3", "4"]
    assert prompts[1].answer == "Lima"


@pytest.mark.slow
def test_models_and_questions_of_ones_own_run_as_their_page_has_them(stand_in, capsys):  # noqa: F811
    text, small = page("bring-your-own.md"), ["--draft-vocab-size", "64", "--epochs", "1", "--device", "cpu"]
    short = ["--gradient-tokens", "600", "--evaluations", "1", "--max-length", "4096"]
    save_tiny(stand_in / "models" / "mine", max_position_embeddings=8192)
    (stand_in / "questions.jsonl").write_text(*fenced(text, "json"))
    ran = [words for words in commands("bring-your-own.md") if not any(word.startswith("Qwen/") for word in words)]
    assert {words[0] for words in ran} == {"evaluate", "generate", "train-drafter", "synthesize", "train-student"}
    for words in ran:
        more = {
            "train-drafter": [*small, "--limit", "4"],
            "synthesize": ["--per-family", "8", "--limit", "40", "--target-size", "40"],
            "train-student": [*short, "--questions", "4", "--dev-questions", "2"],
        }.get(words[0], [])
        options = [word for word in words if word != "10000" or words[0] != "train-student"]
        if words[0] == "train-student":
            options.remove("--gradient-tokens")
        typed([*options, *more], capsys)
    assert (stand_in / "runs" / "eagle2-questions" / "config.json").is_file()
    assert (stand_in / "runs" / "student-mine" / "distillation.json").is_file()
    (matrix,) = (block for block in fenced(text, "yaml") if block.startswith("schema_version"))
    assert list(yaml.safe_load(matrix)["models"]) == [MODEL, "models/mine"]
    (stand_in / "two.yaml").write_text(matrix)
    typed(["run", "two.yaml", "--output", "runs/two", "--executor", "in-process", "--device", "cpu"], capsys)
    assert set(offbook.records(stand_in / "runs" / "two")["model"]) == {MODEL, "mine"}


def test_the_matrices_of_their_page_are_ones():
    whole, further = (parse_yaml(block, source="a-matrix.md") for block in fenced(page("a-matrix.md"), "yaml"))
    for content in (whole, {**whole, **further}):
        assert parse(Matrix, content, source="a-matrix.md").students["mind"].method == "mind"


@pytest.mark.slow
def test_a_matrix_is_planned_as_its_page_has_it(stand_in, capsys):  # noqa: F811
    matrix, _ = fenced(page("a-matrix.md"), "yaml")
    (stand_in / "my.yaml").write_text(matrix)
    (plan,) = (words for words in commands("a-matrix.md") if "--dry-run" in words)
    said = typed(plan, capsys)
    for kind in ("answers", "student", "drafter", "heat", "exam"):
        assert f" {kind} " in said


@pytest.mark.slow
def test_exports_run_as_their_page_has_them(stand_in, capsys):  # noqa: F811
    train = ["train-drafter", "eagle2", "--answers", "regenerate", "--limit", "4", "--epochs", "1"]
    typed([*train, "--draft-vocab-size", "64", "--output", "runs/drafter-eagle2", "--device", "cpu"], capsys)
    learn = ["train-student", "uniform_rationales", "--questions", "4", "--dev-questions", "2"]
    small = ["--gradient-tokens", "900", "--evaluations", "1", "--max-length", "4096"]
    typed([*learn, *small, "--output", "runs/student"], capsys)
    Path("results").symlink_to(ROOT / "results")
    ran = commands("other-tools.md")
    assert [words[0] for words in ran] == ["export", "import-drafter", "export", "push", "push"]
    for words in ran:
        typed(words, capsys)
    place = stand_in / "runs" / "hub" / "somebody" / "student"
    assert json.loads((place / "config.json").read_text())["hidden_size"] == 32
    assert (place / "README.md").read_text().startswith("---\n")
