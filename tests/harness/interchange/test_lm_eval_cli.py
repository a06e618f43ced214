"""`offbook lm-eval`: its defaults are offbook's where nobody asked, and what goes wrong is one line."""

import re
import sys

import lm_eval.tasks
import pytest
import torch
from lm_eval._cli.harness import HarnessCLI

from offbook.harness.cli.main import main
from offbook.harness.interchange.lm_eval_cli import OWN, _is_ours, fill_in, run
from offbook.tasks import TASKS_PATH
from tests.harness.suites.test_task_mistakes import GOOD, PROCESS, ROWS, write


@pytest.fixture(autouse=True)
def no_index(monkeypatch):
    """lm-eval's own tasks are left out, whose index takes half a minute, and its log, which outlives a test."""
    monkeypatch.setattr("lm_eval.utils.setup_logging", lambda: None)
    manager = lm_eval.tasks.TaskManager
    monkeypatch.setattr(lm_eval.tasks, "TaskManager", lambda **k: manager(**(k | {"include_defaults": False})))


def parsed(monkeypatch, *arguments: str):
    monkeypatch.setattr(sys, "argv", ["lm-eval", *arguments])
    asked = HarnessCLI().parse_args()
    fill_in(asked)
    return asked


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["lm-eval", *arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize(
    ("arguments", "device"),
    [
        ("run --model offbook --tasks offbook_qa", "auto"),
        ("run -M offbook -t offbook_qa", "auto"),
        ("run --model=offbook --tasks offbook_qa", "auto"),
        ("--model offbook --tasks offbook_qa", "auto"),
        ("run --model offbook --tasks offbook_qa --device cpu", "cpu"),
        ("run --model offbook --tasks offbook_qa --dev cuda:0", "cuda:0"),
        ("run --config ours.yaml", "auto"),
        ("run --config ours.yaml --device cpu", "cpu"),
        ("run --config device.yaml", None),
        ("run --model hf --tasks offbook_qa", None),
        ("run --config ours.yaml --model hf", None),
    ],
)
def test_a_device_that_nobody_asked_for_is_any_and_one_asked_for_is_kept(arguments, device, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours.yaml").write_text("model: offbook\ntasks: [offbook_qa]\n")
    (tmp_path / "device.yaml").write_text("model: offbook\ntasks: [offbook_qa]\ndevice: cuda:0\n")
    assert parsed(monkeypatch, *arguments.split()).device == device


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        ("run --model hf --tasks offbook_qa", str(TASKS_PATH)),
        ("run --tasks mine --include_path mine", "mine"),
        ("run --config mine.yaml", "mine"),
        ("run --tasks mine --include_path ~/mine", "HOME/mine"),
        ("run --config home.yaml", "HOME/mine"),
        ("ls tasks", str(TASKS_PATH)),
        ("validate --tasks offbook_qa", str(TASKS_PATH)),
    ],
)
def test_tasks_are_offbooks_unless_others_are_included(arguments, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("model: hf\ntasks: [mine]\ninclude_path: mine\n")
    (tmp_path / "home.yaml").write_text("model: hf\ntasks: [mine]\ninclude_path: ~/mine\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parsed(monkeypatch, *arguments.split()).include_path == folder.replace("HOME", str(tmp_path))


def test_a_task_runs_on_whatever_machine_without_naming_a_device(tiny_folder, capsys):
    arguments = ["--tasks", "offbook_qa", "--limit", "1", "--gen_kwargs", "max_gen_toks=4"]
    model = ["--model", "offbook", "--model_args", f"pretrained={tiny_folder},decoder=prompt_lookup"]
    assert status("run", *model, *arguments) == 0
    assert "|offbook_qa|" in capsys.readouterr().out.replace(" ", "")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a device that is there is taken")
def test_a_device_that_is_not_there_is_refused_where_it_was_asked_for(tiny_folder, capsys):
    model = ["--model", "offbook", "--model_args", f"pretrained={tiny_folder}", "--device", "cuda:0"]
    assert status("run", *model, "--tasks", "offbook_qa") == 2
    assert "expected --device cuda:0 to be here, found 0 CUDA devices" in capsys.readouterr().err


MISTAKES = {
    "broken YAML": ("task: mine\nx: [\n", ROWS, None, r"suite 'mine': .*ParserError in line \d: .*; mend .*mine\.yaml"),
    "no such task": ("task: other\n", ROWS, None, "lm-eval, mine: expected it to run, got ValueError: Tasks not found"),
    "a misspelt key": (
        GOOD | {"doc_to_txt": "x"},
        ROWS,
        None,
        "suite 'mine': .*TypeError: .*'doc_to_txt'; mend .*mine",
    ),
    "a field that is missing": (GOOD | {"doc_to_text": "{{q}}"}, ROWS, None, "suite 'mine': .*'q' is undefined .*mine"),
    "process_results raises": (
        PROCESS,
        ROWS,
        "def judge(doc, results):\n    return {'exact_match': doc['gold']}\n",
        r"lm-eval, mine: expected it to run, got KeyError: 'gold' in utils\.py, line 2",
    ),
    "a document too long": (
        GOOD,
        [*ROWS, {"question": "x" * 600, "answer": "0"}],
        None,
        r"mine, document 3: expected prompt plus new tokens within the model's context of 512, got 600 \+ 4",
    ),
}


@pytest.mark.parametrize(
    ("file", "ours"),
    [
        ("harness/interchange/lm_eval_model.py", True),
        (".nox/offbook/lib/python3/site-packages/lm_eval/tasks.py", False),
    ],
)
def test_what_is_installed_inside_a_checkout_is_not_ours(file, ours):
    with pytest.raises(ValueError, match="x") as caught:
        exec(compile("raise ValueError('x')", OWN / file, "exec"))
    assert _is_ours(caught.value) is ours


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_task_is_one_line_at_this_door_too(mistake, tiny_folder, tmp_path, capsys):
    task, rows, code, complaint = MISTAKES[mistake]
    folder = write(tmp_path / "tasks", task, rows=rows, code=code)
    model = ["--model", "offbook", "--model_args", f"pretrained={tiny_folder}"]
    assert status("run", *model, "--tasks", "mine", "--include_path", str(folder)) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("offbook: error: ")
    assert re.search(complaint, last), last


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("pretrained=no/such/folder", "no model 'no/such/folder'"),
        ("pretrained=TINY,decoder=jackiro", "no decoder 'jackiro' (did you mean jakiro?)"),
        ("pretrained=TINY,max_length=64", "options of autoregressive: max_length: unknown key, got 64"),
        ("pretrained=TINY,dtype=auto", "expected --dtype to be one of"),
    ],
)
def test_a_mistake_in_the_model_is_told_as_everywhere(arguments, complaint, tiny_folder, capsys):
    model = ["--model", "offbook", "--model_args", arguments.replace("TINY", tiny_folder)]
    assert status("run", *model, "--tasks", "offbook_qa", "--limit", "1") == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith(f"offbook: error: {complaint}")


def test_a_traceback_is_shown_to_those_who_debug(tmp_path, monkeypatch):
    monkeypatch.setenv("LMEVAL_LOG_LEVEL", "DEBUG")
    with pytest.raises(ValueError, match=r"Tasks not found: nothing$"):
        run(["run", "--model", "offbook", "--tasks", "nothing", "--include_path", str(tmp_path)])


@pytest.mark.parametrize("tasks", ["", ",", " ", "offbook_qa,", ",offbook_qa", "offbook_qa,,offbook_qa"])
@pytest.mark.parametrize("place", ["arguments", "file"])
def test_a_task_without_a_name_is_refused_before_lm_eval_starts(place, tasks, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(HarnessCLI, "execute", lambda self, asked: pytest.fail("lm-eval was started"))
    (tmp_path / "run.yaml").write_text(f"model: offbook\ntasks: '{tasks}'\n")
    where = ["--tasks", tasks] if place == "arguments" else ["--config", str(tmp_path / "run.yaml")]
    assert status("run", "--model", "offbook", *where) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(
        "offbook: error: --tasks: expected names of suites with commas between, got an empty one in "
    )


@pytest.mark.parametrize("limit", ["-1", "0", "1.5", "nan", "inf", "-0.5"])
def test_a_limit_that_is_none_is_refused_before_lm_eval_starts(limit, monkeypatch, capsys):
    monkeypatch.setattr(HarnessCLI, "execute", lambda self, asked: pytest.fail("lm-eval was started"))
    assert status("run", "--model", "offbook", "--tasks", "offbook_qa", f"--limit={limit}") == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("offbook: error: --limit: expected a whole number of documents or a share between 0 and 1, ")


@pytest.mark.parametrize("limit", ["1", "0.5", "20"])
def test_a_limit_of_lm_evals_is_taken(limit, monkeypatch):
    assert parsed(monkeypatch, "run", "--tasks", "offbook_qa", "--limit", limit).limit == float(limit)


def test_an_odd_name_in_a_folder_of_tasks_is_told_by_its_file_at_this_door_too(tiny_folder, tmp_path, capsys):
    folder = write(tmp_path / "tasks", GOOD, rows=ROWS)
    (folder / "odd.yaml").write_text("task: 2024\n")
    assert status("run", "--model", "offbook", "--tasks", "mine", "--include_path", str(folder)) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == (
        f"offbook: error: task file {folder / 'odd.yaml'}: expected task to be a name in quotes, got 2024; mend it"
    )


def test_lm_eval_runs_our_model_and_keeps_its_own(tiny_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shared = ["--tasks", "offbook_qa", "--limit", "1", "--device", "cpu", "--gen_kwargs", "max_gen_toks=4"]
    for model, more in (("offbook", ",decoder=prompt_lookup"), ("hf", "")):
        arguments = ["--model", model, "--model_args", f"pretrained={tiny_folder}{more}", *shared]
        assert status("run", *arguments) == 0, capsys.readouterr().err
        assert "|offbook_qa|" in capsys.readouterr().out.replace(" ", "")
