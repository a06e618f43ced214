"""A small world to run commands in: whole files, a home, a place for output, and a witness of everything else."""

import contextlib
import hashlib
import io
import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from offbook.harness.cli.exits import BUG
from offbook.harness.cli.main import main
from tests.published import save_published
from tests.tiny import save_tiny

CPU_LIMIT_S = 5.0  # what a case may take; here the clock is the specification, so it is the process's own
HANG_S = 20.0  # of CPU time, after which a case is ended
STATUSES = {0, 1, 2, 141}
# Below the world: output, named or by default, what was checked of a store, and caches of offbook and of what it calls.
WRITABLE = ("out", "cache", "tmp", "cwd/runs", "cwd/store/.checked.jsonl", "home/out", "home/.cache", "home/.rustup")

PROFILE = """\
schema_version: 2
description: of the fuzzer
models: {model: {}}
decoders: {autoregressive: {}, prompt_lookup: {}}
suites: {qa: {max_new_tokens: 2, limit: 1}}
"""
EVALUATE = """\
model: model
tasks: [qa]
decoders: [autoregressive, prompt_lookup]
options: {prompt_lookup: {num_tokens: 4}}
limit: 1
max_new_tokens: 2
seed: 0
temperature: 0.0
apply_chat_template: true
output: ../out/records
"""
STUDENT = """\
method: single_rationale
model: model
corpus: {source: corpus.jsonl, questions: 2, dev_questions: 1}
training: {gradient_tokens: 1, questions_per_step: 1, evaluations: 1, learning_rate: 1e-4, lora_rank: 0}
max_new_tokens: 2
seed: 0
output: ../out/student
"""
TASK = """\
task: fuzzed
dataset_path: json
dataset_kwargs: {data_files: {test: DATA}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["."], max_gen_toks: 2}
metric_list: [{metric: exact_match}]
"""


class HungError(BaseException):
    """A case that takes far too long."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a command.

    Attributes:
        status: it exited with; None for an exception that came through.
        cpu_s: of this process and of those it waited for.
        said: on standard error.
        strayed: paths outside of `WRITABLE` that it changed, made or removed.
    """

    status: int | None
    cpu_s: float
    said: str
    strayed: tuple[str, ...]

    @property
    def faults(self) -> list[str]:
        """What is wrong with it; empty where nothing is."""
        found = []
        if "Traceback" in self.said or self.status in (None, BUG):
            found.append("traceback")
        elif self.status not in STATUSES:
            found.append(f"status {self.status}")
        if self.status == 2 and not self.said.strip():
            found.append("no line")
        if self.cpu_s > CPU_LIMIT_S:
            found.append(f"{self.cpu_s:.1f} s")
        if self.strayed:
            found.append(f"strayed to {', '.join(self.strayed[:3])}")
        return found


class World:
    """Folders `cwd`, `home`, `cache`, `tmp` and `out` below `root`, with whole files of every kind in `cwd`."""

    def __init__(self, root: Path) -> None:
        self.root, self.cwd = root, root / "cwd"
        for name in ("cwd", "home", "cache", "tmp", "out"):
            (root / name).mkdir(parents=True)
        with self.entered():
            save_tiny(Path("model"))
            save_published(Path("published"))
            Path("evaluate.yaml").write_text(EVALUATE)
            Path("student.yaml").write_text(STUDENT)
            Path("profile.yaml").write_text(PROFILE)
            Path("questions.jsonl").write_text(_lines(question_id=0, category="c", turns=["Say 1."]))
            Path("asked.jsonl").write_text(_lines(id="a", question="What is 1 + 1?", answer="2"))
            Path("rows.jsonl").write_text(
                _lines(
                    id="a",
                    question="What is 1 + 1?",
                    answer="2",
                    rationales=[
                        {"perspective": "p", "source": "h", "text": "So. The answer is 2.", "consistent": True}
                    ],
                )
            )
            Path("tasks").mkdir()
            Path("tasks/data.jsonl").write_text(_lines(id="a", question="What is 1 + 1?", answer="2"))
            Path("tasks/fuzzed.yaml").write_text(TASK.replace("DATA", str(self.cwd / "tasks/data.jsonl")))
            self._make("synthesize --output corpus.jsonl --per-family 1 --limit 6")
            shutil.rmtree("corpus.synthesis")
            self._make(
                "train-drafter eagle2 --model model --answers regenerate --limit 2 --epochs 1 --max-length 64 "
                "--draft-vocab-size 64 --output drafter"
            )
            self._make("evaluate --config evaluate.yaml --output store")
        self.pristine = self.root.with_name(f"{root.name}.pristine")
        shutil.copytree(self.cwd, self.pristine)

    @property
    def record(self) -> str:
        """A file of the store, as it is named in `cwd`."""
        return min(path.relative_to(self.pristine).as_posix() for path in self.pristine.glob("store/records/*.json"))

    def run(self, arguments: Sequence[str]) -> Outcome:
        """Runs a command here, in this process."""
        with self.entered():
            before = self._witness()
            stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
            status, began = None, _cpu_s()
            with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
                try:
                    with _deadline():
                        main(list(arguments))
                except SystemExit as end:
                    status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
                except BaseException as error:  # noqa: BLE001, RUF100 (that is what is looked for)
                    print(f"Traceback: {type(error).__name__}: {error}", file=sys.stderr)
                stderr.flush()
            cpu_s = _cpu_s() - began
            said = stderr.buffer.getvalue().decode("utf-8", "replace")
            after = self._witness()
            changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
            named = tuple(self._named(arguments))
            strayed = tuple(sorted(name for name in changed if not name.startswith(named)))
        return Outcome(status=status, cpu_s=cpu_s, said=said, strayed=strayed)

    def restore(self) -> None:
        """Everything as it was made."""
        for name in ("cwd", "home", "out", "tmp"):
            shutil.rmtree(self.root / name, ignore_errors=True)
            (self.root / name).mkdir()
        shutil.copytree(self.pristine, self.cwd, dirs_exist_ok=True, copy_function=os.link)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This world's folders instead of the user's."""
        changes = {
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "OFFBOOK_CACHE": str(self.root / "cache"),
            "HF_HUB_OFFLINE": "1",
            "PIP_NO_INDEX": "1",  # the embedded models are out of reach, which is one line
            "PIP_FIND_LINKS": "",
        }
        before = {name: os.environ.get(name) for name in changes}
        place = Path.cwd()
        os.environ.update(changes)
        os.chdir(self.cwd)
        try:
            yield
        finally:
            os.chdir(place)
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def _named(self, arguments: Sequence[str]) -> Iterator[str]:
        """Where the command was told to write: its output, of a report without one the store."""
        places = [after for before, after in itertools.pairwise(arguments) if before == "--output"]
        places += [word.partition("=")[2] for word in arguments if word.startswith("--output=")]
        if arguments[0] == "report":
            places += arguments[1:2]
        for place in filter(None, places):
            with contextlib.suppress(RuntimeError, ValueError):  # nobody's home; no name
                path = Path(os.path.normpath(self.cwd / Path(place).expanduser())).with_suffix("")
                if path.is_relative_to(self.root):
                    yield path.relative_to(self.root).as_posix()

    def _make(self, command: str) -> None:
        with pytest.raises(SystemExit) as end:
            main(command.split())
        assert end.value.code == 0, command

    def _witness(self) -> dict[str, tuple[int, int, int]]:
        found = {}
        for folder, folders, files in os.walk(self.root):
            here = Path(folder).relative_to(self.root).as_posix()
            folders[:] = [name for name in folders if f"{here}/{name}".removeprefix("./") not in WRITABLE]
            for name in files:
                if f"{here}/{name}" in WRITABLE:
                    continue
                state = (Path(folder) / name).lstat()
                found[f"{here}/{name}"] = (state.st_size, state.st_mtime_ns, state.st_ino)
        return found


def damaged(path: Path, data: bytes) -> None:
    """Puts other bytes in place of a file, which may be a link to the pristine one."""
    path.unlink()
    path.write_bytes(data)


def digest(*parts: object) -> str:
    """A short name for a case."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:8]


def _lines(**row: object) -> str:
    key = next(iter(row))
    return "".join(json.dumps({**row, key: f"q{number}"}) + "\n" for number in range(4))


def _cpu_s() -> float:
    return sum(os.times()[:4])


@contextlib.contextmanager
def _deadline() -> Iterator[None]:
    def hung(*_: object) -> None:
        raise HungError

    before = signal.signal(signal.SIGPROF, hung)
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
