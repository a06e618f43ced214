"""How a command ends: the line, the status, and what is left behind."""

import errno
import io
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import jinja2
import pytest
import torch
import yaml
from safetensors import SafetensorError

import offbook
from offbook.engine import files
from offbook.engine.files import atomic_write_text, writing
from offbook.harness.artifacts import synthesize as synthesis
from offbook.harness.cli import exits
from offbook.harness.cli import stream as generate
from offbook.harness.cli.exits import Signalled, ended, explained
from offbook.harness.cli.main import main
from offbook.harness.tables import report
from tests.tiny import save_tiny

ENVIRON = os.environ | {"PYTHONPATH": str(Path(offbook.__file__).parent.parent)}
COMMAND = [sys.executable, "-m", "offbook.harness.cli"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("exits") / "tiny"))


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


def raising(error: BaseException):
    def run(*_, **__):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("expected this,\n  got that"), "expected this, got that"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a/b"), "a/b: No such file"),
        (OSError(errno.ENOSPC, "No space left", "a/b"), "a/b: No space left; make room and run the same command again"),
        (OSError("gone"), "gone"),
        (SafetensorError("header too large"), "header too large"),
        (jinja2.TemplateSyntaxError("expected token", 3), "jinja2: expected token line 3"),
        (yaml.YAMLError("a tab"), "yaml: a tab"),
        (zipfile.BadZipFile("not a zip"), "zipfile: not a zip"),
        (Exception("data did not match any variant"), "data did not match any variant"),
        (RecursionError("maximum depth"), "expected input that is not nested so deeply"),
        (MemoryError(), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), "out of memory"),
        (torch.OutOfMemoryError("CUDA out of memory."), "out of memory"),
    ],
)
def test_what_libraries_raise_about_their_input_is_one_line(error, line, capsys):
    assert ended(raising(error), ["ls"]) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.startswith("offbook: error: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), AssertionError(), RuntimeError("x"), IndexError("x")])
def test_a_bug_says_so_with_a_traceback_and_what_to_report(error, capsys):
    assert ended(raising(error), ["ls"]) == 70
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "this is a bug in offbook; please report it with the command, these lines and" in said.splitlines()[-1]


def test_a_line_is_printable_and_short(capsys):
    assert ended(raising(ValueError("a\x1b[2Jb\0" + "c" * 100_000)), ["ls"]) == 2
    said = capsys.readouterr().err
    assert "a\\x1b[2Jb\\x00c" in said
    assert len(said) < exits.LONGEST + 50


@pytest.mark.parametrize(
    ("name", "number", "word"), [("SIGINT", 2, "interrupted"), ("SIGTERM", 15, "terminated"), ("SIGHUP", 1, "hung up")]
)
def test_every_signal_ends_with_its_status_and_the_command_that_goes_on(
    name, number, word, tmp_path, capsys, monkeypatch
):
    stop = KeyboardInterrupt() if name == "SIGINT" else Signalled(signal.Signals[name])
    monkeypatch.setattr(synthesis, "synthesize", raising(stop))
    out = str(tmp_path / "a corpus.jsonl")
    assert status("synthesize", "--output", out, "--seed", "7", "--device", "cpu") == 128 + number
    said = capsys.readouterr().err
    assert said == (
        f"offbook: {word}; what is done is kept; go on with: "
        f"offbook synthesize --output '{out}' --seed 7 --device cpu\n"
    )


def test_the_hint_names_the_folder_that_was_chosen(tmp_path, tiny, capsys, monkeypatch):
    from offbook.harness.matrix import evaluate, reproduce

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluate, "evaluate", raising(KeyboardInterrupt()))
    assert status("evaluate", "--tasks", "qa", "--model", tiny, "--device", "cpu") == 130
    said = capsys.readouterr().err
    assert "go on with: offbook evaluate --output runs/evaluate-" in said
    assert said.endswith(f" --tasks qa --model {tiny} --device cpu\n")

    monkeypatch.setattr(reproduce, "reproduce", raising(KeyboardInterrupt()))
    assert status("reproduce", "--profile", "smoke", "--fresh", "--answers", "regenerate", "--device", "cpu") == 130
    said = capsys.readouterr().err
    assert "go on with: offbook reproduce --output runs/smoke-" in said
    assert said.endswith(" --profile smoke --answers regenerate --device cpu\n"), "a fresh folder is not made again"


def test_what_cannot_go_on_begins_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(report, "renew", raising(Signalled(signal.SIGTERM)))
    assert status("report", str(tmp_path)) == 143
    assert capsys.readouterr().err == (
        f"offbook: terminated; nothing is half written; begin again with: offbook report {tmp_path}\n"
    )


def test_signals_are_as_before_when_the_command_has_ended():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    assert ended(lambda: 0, []) == 0
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert ended(lambda: signal.raise_signal(signal.SIGHUP), []) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_a_process_that_is_terminated_says_how_to_go_on(tiny, tmp_path):
    out = tmp_path / "drafter"
    questions = tmp_path / "questions.jsonl"
    questions.write_text("".join(f'{{"id": {number}, "question": "{number}?"}}\n' for number in range(400)))
    options = [
        "--prompts",
        str(questions),
        "--epochs",
        "9",
        "--draft-vocab-size",
        "64",
        "--output",
        str(out),
        "--device",
        "cpu",
    ]
    command = [*COMMAND, "train-drafter", "eagle2", "--model", tiny, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRON, cwd=tmp_path) as process:
        while process.poll() is None and not list(out.glob("answers-*")):
            time.sleep(0.05)
        process.terminate()
        _, said = process.communicate(timeout=200)
    assert process.returncode == 143, said
    assert said.endswith(
        "offbook: terminated; what is done is kept; go on with: offbook "
        f"train-drafter eagle2 --model {tiny} {' '.join(options)}\n"
    )


def test_a_reader_that_goes_away_ends_the_command_in_silence(tmp_path):
    done = subprocess.run(
        ["bash", "-c", '"$@" | true; echo "${PIPESTATUS[0]}"', "-", *COMMAND, "ls"],
        capture_output=True,
        text=True,
        env=ENVIRON,
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("141\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["ls"], ["--help"]])
def test_standard_output_on_a_full_disk_is_one_line(arguments, tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRON)
    assert done.returncode == 2
    assert done.stderr == (
        "offbook: error: standard output: No space left on device; make room and run the same command again\n"
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_standard_output_takes_every_character(encoding, tiny, monkeypatch):
    said = "é — 你好 \ud800"
    monkeypatch.setattr(generate, "generate", lambda *_, write, **__: write(said))
    monkeypatch.setattr(generate, "account", lambda _: said)
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert status("generate", "hi", "--model", tiny) == 0
    for stream in (out, err) if encoding != "ascii" else (out,):  # typer's own stream says UTF-8 to an ASCII terminal
        stream.flush()
        assert said.encode(encoding, "backslashreplace") in stream.buffer.getvalue()


def test_tables_are_printed_in_ascii_too(tmp_path, make_heat, monkeypatch):
    from offbook.harness.records.store import Store

    for cell in make_heat(suite="größe"):
        Store(tmp_path).commit([(cell.record, cell.rows)])
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert status("ls", str(tmp_path)) == 0
    out.flush()
    assert b"gr\\xf6\\xdfe" in out.buffer.getvalue()


def test_standard_input_is_read_as_utf8_whatever_the_locale(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("é".encode("latin-1")), encoding="latin-1"))
    assert status("generate", "-") == 2
    assert "standard input: expected UTF-8 text, got byte 0xe9" in capsys.readouterr().err


def test_a_full_disk_is_told_with_the_path_whoever_writes(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(OSError, match="No space left") as told:
            atomic_write_text(tmp_path / "a.txt", "new")
    assert explained(told.value) == (
        f"{tmp_path / 'a.txt'}: No space left on device; make room and run the same command again"
    )
    for error in (
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.ENOSPC, "No space left on device", str(tmp_path / ".0f.tmp")),
    ):
        with pytest.raises(OSError, match="No space") as told, writing(tmp_path / "weights"):
            raise error
        assert (told.value.errno, told.value.filename) == (errno.ENOSPC, str(tmp_path / "weights"))
    with pytest.raises(OSError, match="inline_container") as told, writing(tmp_path / "weights"):
        raising(RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"))()
    assert told.value.filename == str(tmp_path / "weights")


def test_other_errors_of_a_writer_stay_themselves(tmp_path):
    with pytest.raises(RuntimeError, match="shapes"), writing(tmp_path / "weights"):
        raising(RuntimeError("shapes differ"))()
    with pytest.raises(OSError, match="elsewhere") as told, writing(tmp_path / "weights"):
        raise OSError(errno.ENOSPC, "No space left on device", "elsewhere")
    assert told.value.filename == "elsewhere"


@pytest.mark.parametrize(("stop", "number"), [(KeyboardInterrupt(), 2), (Signalled(15), 15)])
def test_a_signal_while_an_object_is_removed_is_not_lost(stop, number, capsys):
    class Removed:
        def __del__(self):
            raise stop

    def run():
        Removed()
        time.sleep(5)

    assert ended(run, ["ls"]) == 128 + number
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system bounds no files")
def test_a_file_that_may_not_grow_is_told_with_its_path(tmp_path):
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, bounds[1]))
        with pytest.raises(OSError, match="File too large") as told:
            atomic_write_text(tmp_path / "a.txt", "x" * 200)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
        signal.signal(signal.SIGXFSZ, before)
    assert told.value.filename == str(tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())


def test_a_link_that_leads_nowhere_is_no_output(tmp_path, capsys):
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("dangling", "loop", "dangling/below"):
        assert status("report", str(tmp_path), "--output", str(tmp_path / name)) == 2
        assert "expected a folder that can be written, got the link" in capsys.readouterr().err


def test_a_tilde_in_options_is_the_users_home(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert status("synthesize", "--output", "~/c.jsonl", "--per-family", "1", "--limit", "1") == 0
    assert (tmp_path / "c.jsonl").is_file()
    for arguments in (
        ["report", "~/no"],
        ["ls", "~/no"],
        ["evaluate", "--config", "~/no.yaml"],
        ["reproduce", "--profile", "~/no.yaml"],
        ["evaluate", "--tasks", "qa", "--include-path", "~/no"],
        ["train-student", "single_rationale", "--model", tiny, "--corpus", "~/no.jsonl"],
        ["train-drafter", "eagle2", "--model", tiny, "--prompts", "~/no.jsonl"],
        ["import-drafter", "~/no", "--model", tiny],
    ):
        assert status(*arguments) == 2
        assert "~" not in capsys.readouterr().err.replace("'~/no", "")
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "."],
        ["generate", "hi", "--decoder", "eagle2", "--drafter", "~nobodyx"],
        ["generate", "hi", "--model", "~nobodyx"],
        ["evaluate", "--tasks", "qa", "--output", "~nobodyx"],
        ["evaluate", "--tasks", "qa", "--drafter", "eagle2=~nobodyx", "--decoders", "autoregressive,eagle2"],
        ["synthesize", "--output", "c", "--teacher", "transformers", "--teacher-model", "~nobodyx"],
        ["synthesize", "--output", "~nobodyx/c"],
        ["analyse-latent", "--output", "o", "--base", "~nobodyx"],
        ["train-student", "single_rationale", "--model", "~nobodyx"],
        ["import-drafter", "~nobodyx", "--model", "m"],
        ["train-student", "single_rationale", "--output", "a\0b"],
        ["reproduce", "--profile", "~nobodyx/p.yaml"],
    ],
)
def test_nobodys_home_and_impossible_paths_are_one_line(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert status(*arguments) == 2
    said = capsys.readouterr().err
    assert "offbook: error: " in said.splitlines()[-1]
    assert "Traceback" not in said
    assert not (tmp_path / "~nobodyx").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no such signals")
@pytest.mark.parametrize(("name", "word"), [("SIGTERM", "terminated"), ("SIGHUP", "hung up")])
def test_a_process_that_is_told_to_stop_ends_with_its_line(name, word):
    code = (
        "import os, signal, sys\n"
        "from offbook.harness.cli.console import resumable\n"
        "from offbook.harness.cli.exits import ended\n"
        "def run():\n"
        f"    with resumable(): os.kill(os.getpid(), signal.{name})\n"
        "sys.exit(ended(run, ['synthesize', '--seed', '7']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRON)
    assert done.returncode == 128 + signal.Signals[name]
    assert done.stderr == f"offbook: {word}; what is done is kept; go on with: offbook synthesize --seed 7\n"


@pytest.mark.parametrize(
    ("command", "closed", "expected"),
    [
        ("ls", ">&-", (0, "", "")),
        ("--version", ">&-", (0, "", "")),
        ("bogus", "2>&-", (2, "", "")),
        (
            "generate - --model TINY",
            "<&-",
            (2, "", "offbook: error: expected a prompt of at least one token, got an empty one; give it some text\n"),
        ),
    ],
)
def test_a_stream_that_the_caller_closed_is_no_bug_and_nothing_else_is_said(command, closed, expected, tiny, tmp_path):
    line = f'"$@" {command.replace("TINY", tiny)} {closed}'
    done = subprocess.run(
        ["bash", "-c", line, "-", *COMMAND], capture_output=True, text=True, env=ENVIRON, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == expected


def test_an_error_without_a_file_is_only_standard_outputs_where_that_cannot_be_written(capsys):
    assert ended(raising(OSError(errno.EMFILE, "Too many open files")), ["ls"]) == 2
    assert capsys.readouterr().err == "offbook: error: Too many open files\n"
    assert ended(raising(OSError(errno.ENOSPC, "No space left on device")), ["ls"]) == 2
    assert capsys.readouterr().err == (
        "offbook: error: No space left on device; make room and run the same command again\n"
    )


def test_no_command_is_answered_with_the_help(capsys):
    assert status() == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Usage: offbook [OPTIONS] COMMAND")
    assert "error" not in said.err
    assert said.err.count("\n") > 15


@pytest.mark.parametrize(
    "arguments",
    [
        ["ls", ""],
        ["report", ""],
        ["rescore", ""],
        ["evaluate", "--tasks", "qa", "--include-path", ""],
        ["evaluate", "--tasks", "qa", "--output", ""],
        ["evaluate", "--tasks", "qa", "--config", ""],
        ["generate", "hi", "--decoder", "eagle2", "--drafter", ""],
        ["generate", "hi", "--model", ""],
        ["train-drafter", "eagle2", "--output", ""],
        ["train-drafter", "eagle2", "--prompts", ""],
        ["import-drafter", "", "--model", "m"],
        ["import-drafter", "d", "--model", "m", "--output", ""],
        ["export", "kernel", "topk_logprobs", "--output", ""],
        ["train-student", "mind", "--output", ""],
        ["train-student", "mind", "--corpus", ""],
        ["reproduce", "--output", ""],
        ["synthesize", "--output", ""],
        ["analyse-latent", "--output", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert status(*arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert ("expected a path" in said) or ("expected text, got none" in said)
    assert not list(tmp_path.iterdir())


def test_the_current_folder_is_told_by_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in ("ls", "report"):
        assert status(command, ".") == 2
        assert f"error: {tmp_path.name}: expected a store" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["nope", "cuda:99"])
def test_a_device_that_is_not_here_leaves_no_run_to_resume(device, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert status("reproduce", "--profile", "smoke", "--device", device) == 2
    said = capsys.readouterr().err
    assert "expected --device" in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_student_to_analyse_may_lie_at_home(tmp_path, monkeypatch):
    from offbook.harness.latent.analysis import parse_students

    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_students(["s=~/tiny"]) == {"s": str(tmp_path / "tiny")}
