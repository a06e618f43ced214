"""Ordinary mistakes in other people's tasks: one line with the suite, the kind of error and the file, status 2."""

import json
import re
from pathlib import Path

import pytest

from offbook.harness.cli.main import main

GOOD = {
    "task": "mine",
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "generate_until",
    "doc_to_text": "{{question}}",
    "doc_to_target": "{{answer}}",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": 4},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}
ROWS = [{"question": f"What is {n} + {n}?", "answer": str(n + n)} for n in range(3)]


def evaluate(tiny: str, folder: Path, output: Path, *more: str, suite: str = "mine") -> int:
    arguments = ["evaluate", "--suite", suite, "--include-path", str(folder), "--model", tiny, "--output", str(output)]
    with pytest.raises(SystemExit) as end:
        main([*arguments, *(() if "--decoders" in more else ("--decoders", "autoregressive")), *more])
    assert isinstance(end.value.code, int)
    return end.value.code


def write(folder: Path, task: dict | str, *, rows: list | None = None, code: str | None = None) -> Path:
    """A folder with mine.yaml, its data and its utils.py; `!function` values are written as text "!function x"."""
    folder.mkdir(exist_ok=True)
    if isinstance(task, dict):
        task = {"dataset_kwargs": {"data_files": {"test": str(folder / "data.jsonl")}}} | task
        task = "\n".join(f"{key}: {_yaml(value)}" for key, value in task.items())
    (folder / "mine.yaml").write_text(task + "\n", encoding="utf-8")
    if rows is not None:
        (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    if code is not None:
        (folder / "utils.py").write_text(code, encoding="utf-8")
    return folder


def _yaml(value: object) -> str:
    return value if isinstance(value, str) and value.startswith("!function") else json.dumps(value)


def without(*keys: str) -> dict:
    return {key: value for key, value in GOOD.items() if key not in keys}


PROCESS = GOOD | {"process_results": "!function utils.judge"}
MISTAKES = {
    "an empty data file": (
        GOOD,
        [],
        None,
        r"expected lm-eval to build it, got .*an empty data file.*mend .*mine\.yaml",
    ),
    "no data file": (GOOD, None, None, "FileNotFoundError: .*data.jsonl.*mine.yaml"),
    "a field that is missing": (
        GOOD | {"doc_to_text": "{{quetsion}}"},
        ROWS,
        None,
        "UndefinedError: 'quetsion' is undefined in a template of its YAML; mend .*mine.yaml",
    ),
    "a template with a slip": (GOOD | {"doc_to_text": "{{question}"}, ROWS, None, "TemplateSyntaxError: .*mine.yaml"),
    "a misspelt key": (GOOD | {"doc_to_txt": "x"}, ROWS, None, "TypeError: .*'doc_to_txt'; mend .*mine.yaml"),
    "no such module": (PROCESS, ROWS, None, "ImportError: .*utils.*mine.yaml"),
    "no such function": (PROCESS, ROWS, "x = 1\n", "AttributeError: .*has no (function|attribute) 'judge'.*mine.yaml"),
    "a module that raises": (PROCESS, ROWS, "\n1 / 0\n", "ZeroDivisionError: .* in utils.py, line 2; mend .*mine.yaml"),
    "a module that is no Python": (PROCESS, ROWS, "def judge(:\n", r"SyntaxError: .* in utils\.py, line 1; mend"),
    "a module that ends the process": (PROCESS, ROWS, "raise SystemExit(0)\n", "SystemExit: 0 in utils.py, line 1"),
    "process_docs raises": (
        GOOD | {"process_docs": "!function utils.prepare"},
        ROWS,
        "def prepare(docs):\n    return docs.map(lambda doc: {'question': doc['qustion']})\n",
        "KeyError: 'qustion' in utils.py, line 2; mend .*mine.yaml",
    ),
    "doc_to_text gives nothing": (
        GOOD | {"doc_to_text": "!function utils.ask"},
        ROWS,
        "def ask(doc):\n    return None\n",
        r"lm-eval to ask its documents, got AssertionError: .* \(doc_to_text must give text\); mend .*mine.yaml",
    ),
    "doc_to_text raises late": (
        GOOD | {"doc_to_text": "!function utils.ask"},
        ROWS,
        "def ask(doc):\n    return {'0': 'a', '2': 'b'}[doc['answer']]\n",
        "ask its documents, got KeyError: '4' in utils.py, line 2; mend .*mine.yaml",
    ),
    "a misspelt metric": (
        GOOD | {"metric_list": [{"metric": "exact_mtach"}]},
        ROWS,
        None,
        r"'exact_mtach' is no metric of lm-eval \(did you mean exact_match\?\); mend .*mine.yaml",
    ),
    "a misspelt metric, all else told": (
        GOOD | {"metric_list": [{"metric": "exact_mtach", "aggregation": "mean", "higher_is_better": True}]},
        ROWS,
        None,
        r"'exact_mtach' is no metric of lm-eval \(did you mean exact_match\?\); mend .*mine.yaml",
    ),
    "a misspelt aggregation": (
        GOOD | {"metric_list": [{"metric": "exact_match", "aggregation": "maen", "higher_is_better": True}]},
        ROWS,
        None,
        "the aggregation of metric 'exact_match' is none of lm-eval's; mend .*mine.yaml",
    ),
    "broken YAML": ("task: mine\ndoc_to_text: [\n", ROWS, None, r"got ParserError in line \d: .*; mend .*mine.yaml"),
    "a tab in YAML": (
        "task: mine\nmetric_list:\n\t- metric: acc\n",
        ROWS,
        None,
        r"ScannerError in line 3: .*mine.yaml",
    ),
    "an include that is missing": ("task: mine\ninclude: base.yaml\n", ROWS, None, "FileNotFoundError: .*base.yaml"),
    "no key that names it": ("tsk: mine\n", ROWS, None, "expected a task file with the key `task` or `group`, got tsk"),
    "a misspelt output type": (GOOD | {"output_type": "generate_untill"}, ROWS, None, "generate_untill.*mine.yaml"),
    "a suite of likelihoods": (
        GOOD | {"output_type": "loglikelihood", "metric_list": [{"metric": "acc"}]} | {"generation_kwargs": None},
        ROWS,
        None,
        "expected a suite that generates text, got one of kind loglikelihood",
    ),
    "multiple choice": (
        without("generation_kwargs", "metric_list")
        | {"output_type": "multiple_choice", "doc_to_choice": ["0", "2", "4"]},
        ROWS,
        None,
        "expected a suite that generates text, got one of kind multiple_choice",
    ),
    "more shots than documents": (
        GOOD | {"num_fewshot": 9, "fewshot_split": "test"},
        ROWS,
        None,
        "expected lm-eval to ask its documents, got ValueError: .*; mend .*mine.yaml",
    ),
    "no such split": (GOOD | {"test_split": "tset"}, ROWS, None, "KeyError: 'tset'; mend .*mine.yaml"),
    "a data set out of reach": (
        without("dataset_path") | {"dataset_path": "nobody/nowhere", "dataset_kwargs": {}},
        ROWS,
        None,
        "expected lm-eval to build it, got .*nobody/nowhere.*mine.yaml",
    ),
    "a group without a member": (
        "group: mine\ntask:\n  - offbook_qa\n  - theirs\n",
        ROWS,
        None,
        "its member 'theirs' is no task; mend .*mine.yaml",
    ),
    "answers that are asked for in words": (
        GOOD | {"repeats": "two"},
        ROWS,
        None,
        "expected one answer a document, got repeats 'two'",
    ),
    "a prompt without a token": (
        GOOD | {"doc_to_text": "!function utils.ask"},
        ROWS,
        "def ask(doc):\n    return '' if doc['answer'] == '4' else 'a'\n",
        "suite 'mine', document 2: expected a prompt of at least one token, got an empty one",
    ),
    "a stop string that is none": (
        GOOD | {"generation_kwargs": {"until": [5]}},
        ROWS,
        None,
        r"^offbook: error: suite 'mine': expected until to hold stop strings, got \[5\]; quote what is no text$",
    ),
    "answers that are run": (
        GOOD | {"unsafe_code": True},
        ROWS,
        None,
        "expected one of answers that are read, not run",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_task_is_told_in_one_line(mistake, tiny_folder, tmp_path, capsys):
    task, rows, code, complaint = MISTAKES[mistake]
    folder = write(tmp_path / "tasks", task, rows=rows, code=code)
    assert evaluate(tiny_folder, folder, tmp_path / "out", "--no-chat-template") == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert re.match(r"offbook: error: suite 'mine'(, document \d)?: expected ", said[-1]), said[-1]
    assert re.search(complaint, said[-1]), said[-1]
    assert not [line for line in said if "Traceback" in line]
    assert not (tmp_path / "out" / "records").exists()


def test_a_name_that_two_files_declare_is_refused(tiny_folder, tmp_path, capsys):
    folder = write(tmp_path / "tasks", GOOD, rows=ROWS)
    (folder / "second.yaml").write_text((folder / "mine.yaml").read_text())
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    assert re.search(r"suite 'mine': expected one task file .*mine\.yaml and .*second\.yaml", capsys.readouterr().err)


def test_a_task_file_that_lm_eval_does_not_read_for_its_suffix_is_named(tiny_folder, tmp_path, capsys):
    folder = write(tmp_path / "tasks", GOOD, rows=ROWS)
    (folder / "mine.yaml").rename(folder / "mine.yml")
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    assert re.search(r"expected a task file that ends in \.yaml, got .*mine\.yml", capsys.readouterr().err)


def test_a_task_without_a_mistake_is_measured(tiny_folder, tmp_path):
    folder = write(tmp_path / "tasks", GOOD, rows=ROWS)
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 0
    assert list((tmp_path / "out" / "records").glob("*.json"))


JSON_LINES = "".join(
    json.dumps({"question": f"Où {n}?", "answer": str(n)}, ensure_ascii=False) + "\n" for n in range(3)
)
TABLE = "question,answer\n" + "".join(f"Où {n}?,{n}\n" for n in range(3))
LATE = json.dumps({"question": "x" * 40, "answer": "1"}) + "\n"
ENCODED = {
    "Latin-1": ("data.jsonl", JSON_LINES.encode("latin-1"), "byte 0xf9 in line 1, as in Latin-1 or a binary file"),
    "UTF-16": ("data.jsonl", JSON_LINES.encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": ("data.jsonl", LATE.encode("utf-16-le"), "a NUL character"),
    "UTF-32": ("data.jsonl", JSON_LINES.encode("utf-32"), "UTF-32"),
    "Latin-1 after many lines": ("data.jsonl", LATE.encode() * 2_000 + JSON_LINES.encode("latin-1"), "in line 2001"),
    "a table in Latin-1": ("data.csv", TABLE.encode("latin-1"), "byte 0xf9 in line 2"),
    "a table in UTF-16": ("data.csv", TABLE.encode("utf-16"), "UTF-16"),
    "a table in UTF-16 without a mark": ("data.csv", TABLE.replace("ù", "u").encode("utf-16-be"), "a NUL character"),
}


def from_file(path: Path, **settings: object) -> dict:
    reader = "csv" if path.suffix == ".csv" else "json"
    return GOOD | {"dataset_path": reader, "dataset_kwargs": {"data_files": {"test": str(path)}, **settings}}


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_data_file_in_another_encoding_is_named_with_what_to_do(encoding, tiny_folder, tmp_path, capsys):
    name, data, found = ENCODED[encoding]
    folder = write(tmp_path / "tasks", from_file(tmp_path / "tasks" / name))
    (folder / name).write_bytes(data)
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(f"offbook: error: suite 'mine': data file {folder / name}: expected UTF-8 text, got ")
    assert found in last
    assert last.endswith("; re-encode it as UTF-8")


def test_of_several_data_files_the_one_in_another_encoding_is_named(tiny_folder, tmp_path, capsys):
    folder = write(tmp_path / "tasks", from_file(tmp_path / "tasks" / "*.jsonl"), rows=ROWS)
    (folder / "second.jsonl").write_bytes(JSON_LINES.encode("utf-16"))
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    assert f"data file {folder / 'second.jsonl'}: expected UTF-8" in capsys.readouterr().err


def test_a_data_file_whose_encoding_the_task_tells_is_read_in_it(tiny_folder, tmp_path):
    folder = write(tmp_path / "tasks", from_file(tmp_path / "tasks" / "data.csv", encoding="latin-1"))
    (folder / "data.csv").write_bytes(TABLE.encode("latin-1"))
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 0


@pytest.mark.parametrize("shots", [-1, 1.5, 1.0, "3", True, [2]])
def test_a_number_of_examples_that_is_none_is_refused(shots, tiny_folder, tmp_path, capsys):
    folder = write(tmp_path / "tasks", GOOD | {"num_fewshot": shots, "fewshot_split": "test"}, rows=ROWS)
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == (
        "offbook: error: suite 'mine': expected num_fewshot to be a whole number of at least 0, "
        f"got {shots!r}; mend {folder / 'mine.yaml'}"
    )


def test_a_number_of_examples_that_is_none_is_refused_in_a_group_and_in_what_a_file_includes(
    tiny_folder, tmp_path, capsys
):
    folder = write(tmp_path / "tasks", GOOD | {"num_fewshot": -2}, rows=ROWS)
    (folder / "ours.yaml").write_text("group: ours\ntask:\n  - mine\n")
    (folder / "_base").write_text((folder / "mine.yaml").read_text())
    (folder / "third.yaml").write_text("include: _base\ntask: third\n")
    for suite in ("ours", "third"):
        assert evaluate(tiny_folder, folder, tmp_path / "out", suite=suite) == 2
        assert "expected num_fewshot to be a whole number of at least 0, got -2; mend " in capsys.readouterr().err


@pytest.mark.parametrize("repeats", [True, 2, 1.0, 0])
def test_a_number_of_answers_other_than_one_is_refused(repeats, tiny_folder, tmp_path, capsys):
    folder = write(tmp_path / "tasks", GOOD | {"repeats": repeats}, rows=ROWS)
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    assert f"expected one answer a document, got repeats {repeats!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("task: 2024", "expected task to be a name in quotes, got 2024"),
        ("task: null", "expected task to be a name in quotes, got None"),
        ("group: true\ntask: [mine]", "expected group to be a name in quotes, got True"),
        ("task: odd\ntag: [5]", r"expected tag to be a name in quotes or a list of them, got \[5\]"),
    ],
)
def test_an_odd_name_in_any_file_of_a_folder_is_told_by_that_file(text, complaint, tiny_folder, tmp_path, capsys):
    folder = write(tmp_path / "tasks", GOOD, rows=ROWS)
    (folder / "deep").mkdir()
    (folder / "deep" / "odd.yaml").write_text(text + "\n")
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.fullmatch(rf"offbook: error: task file .*deep/odd\.yaml: {complaint}; mend it", last), last


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("task: mine\ntag: 5", "expected tag to be a name in quotes or a list of them, got 5"),
        (
            "task: [mine, b]",
            r"expected task to be a name in quotes, got \['mine', 'b'\] \(a list of tasks needs a",
        ),
        ("group: [mine]\ntask: [b]", r"expected group to be a name in quotes, got \['mine'\]"),
        ("class: !function utils.mine", "expected task to be a name in quotes, got None"),
        ("- mine", r"expected a task file .*; mend .*mine\.yaml"),
    ],
)
def test_a_task_file_whose_names_are_none_is_told_with_what_is_wrong(text, complaint, tiny_folder, tmp_path, capsys):
    folder = write(tmp_path / "tasks", text)
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("offbook: error: suite 'mine': ")
    assert re.search(complaint, last), last


def test_a_copy_that_lm_eval_does_not_read_is_no_second_file(tiny_folder, tmp_path):
    folder = write(tmp_path / "tasks", GOOD, rows=ROWS)
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "copy.yaml").write_text((folder / "mine.yaml").read_text())
    assert evaluate(tiny_folder, folder, tmp_path / "out") == 0
