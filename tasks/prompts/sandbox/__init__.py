"""Runs code that a model wrote, in a process that can do nothing but compute.

The child is an interpreter without site-packages, environment or files, in an empty folder, under limits of CPU time,
memory, file size and processes, killed when its time is over. Before it reads the first line of the answer it gives
up, for good and by the kernel's seccomp filter, every system call that is not needed to compute (`syscalls`): no file
can be opened or deleted, no network reached, no process started, no signal sent. What its calls give goes through one
pipe to the parent, who alone knows what they should give, so that nothing in the child is worth forging.

Where a kernel cannot do this, nothing is run: `unavailable` says why, and `run` raises.
"""

import ast
import base64
import functools
import json
import os
import select
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from offbook.tasks.prompts.sandbox import syscalls
from offbook.tasks.prompts.sandbox.values import Raised, Value, received

CPU_S = 3
WALL_S = 60  # far away: only an answer that waits for ever gets there, whatever else the machine does
LIMITS = {
    "RLIMIT_CPU": CPU_S,
    "RLIMIT_AS": 512 * 2**20,
    "RLIMIT_FSIZE": 0,
    "RLIMIT_NOFILE": 16,
    "RLIMIT_NPROC": 0,
    "RLIMIT_CORE": 0,
    "alarm": WALL_S,
}
MOST_BYTES = 2**18  # of what a child may send
# What an answer may import, itself or through another of these; loaded before the child is sealed.
MODULES = frozenset(
    [
        "abc",
        "array",
        "bisect",
        "calendar",
        "cmath",
        "collections",
        "collections.abc",
        "contextlib",
        "copy",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "graphlib",
        "heapq",
        "inspect",
        "io",
        "itertools",
        "json",
        "math",
        "numbers",
        "operator",
        "os",
        "os.path",
        "pathlib",
        "pprint",
        "queue",
        "random",
        "re",
        "secrets",
        "statistics",
        "string",
        "struct",
        "sys",
        "textwrap",
        "threading",
        "time",
        "timeit",
        "traceback",
        "types",
        "typing",
        "unicodedata",
        "warnings",
    ]
)
_LATE = ("_strptime", "encodings.ascii", "encodings.latin_1", "heapq", "weakref")  # by others, at their first use
_INSIDE = Path(__file__).with_name("inside.py").read_text(encoding="utf-8")
# Isolated but for the environment below, which -I would ignore: the order of sets must not change from run to run.
_FLAGS = ("-P", "-s", "-S", "-B", "-X", "utf8")
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONCOERCECLOCALE": "0"}


class NotSandboxedError(RuntimeError):
    """The child could not be sealed, so nothing was run; says why."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Code, more code for the calls alone, the expressions to evaluate, and the text files found by name."""

    source: str
    calls: tuple[str, ...]
    helpers: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def run(
    source: str, calls: Sequence[str], *, helpers: str = "", files: Mapping[str, str] | None = None
) -> list[Value | Raised] | None:
    """What each expression gives or raises after the code has run; None where the child did not come to its end.

    Args:
        source: the code.
        calls: Python expressions over its names and those of the helpers.
        helpers: trusted code that is run after it; a name that both have is the helpers'.
        files: text by name, all that `open` finds.

    Raises:
        NotSandboxedError: this machine cannot seal the child; nothing was run.
    """
    if reason := unavailable():
        raise NotSandboxedError(reason)
    return _run(Job(source=source, calls=tuple(calls), helpers=helpers, files=files or {}))


@functools.cache
def unavailable() -> str:
    """Why nothing can be run here; the empty string where it can. Asks a child to break out, once a process."""
    if reason := syscalls.missing():
        return reason
    if not sys.executable:
        return "the sandbox needs the path of the Python interpreter, and sys.executable is empty"
    try:
        found = _run(Job(source=_BREAK_OUT, calls=("attempts()",)))
    except NotSandboxedError as error:
        return str(error)
    return "" if found == [[]] else f"the sandbox does not hold: expected that every attempt is refused, got {found}"


_BREAK_OUT = """
import os, threading
def attempts():
    done = []
    ways = {
        "read": lambda: os.open("/", os.O_RDONLY), "write": lambda: os.open("trace", os.O_CREAT | os.O_WRONLY),
        "fork": os.fork, "signal": lambda: os.kill(os.getpid(), 0), "thread": threading.Thread(target=int).start,
        "list": lambda: os.listdir("/"), "execute": lambda: os.execv("/bin/true", ["true"]),
    }
    for name, way in ways.items():
        try:
            way()
        except (OSError, RuntimeError):
            continue
        done.append(name)
    return done
"""


def _run(job: Job) -> list[Value | Raised] | None:
    try:
        sent = _sent_by_child(job)
    except OSError as error:  # no process, no memory, no room on the disk
        msg = f"the sandbox could not be started: {error.strerror or error}"
        raise NotSandboxedError(msg) from error
    first, _, rest = sent.partition(b"\n")
    if first != b"sealed":
        msg = f"the sandbox could not be sealed: {first.decode(errors='replace') or 'no word from the child'}"
        raise NotSandboxedError(msg)
    return received(rest, len(job.calls))


def _sent_by_child(job: Job) -> bytes:
    with tempfile.TemporaryDirectory(prefix="offbook-answer-") as empty, tempfile.TemporaryFile() as handed:
        handed.write(_handed(job))
        handed.seek(0)
        with subprocess.Popen(
            [sys.executable, *_FLAGS, "-c", _INSIDE],
            stdin=handed,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env=_ENVIRONMENT,
            close_fds=True,
            start_new_session=True,
        ) as child:
            try:
                return _read(child, time.monotonic() + WALL_S)
            finally:
                child.kill()


def _read(child: "subprocess.Popen[bytes]", deadline_s: float) -> bytes:
    """What the child sends until it ends, says too much, or its time is over."""
    assert child.stdout is not None
    sent = b""
    while len(sent) <= MOST_BYTES:
        ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline_s - time.monotonic()))
        chunk = os.read(child.stdout.fileno(), 2**16) if ready else b""
        if not chunk:
            break
        sent += chunk
    return sent


def _handed(job: Job) -> bytes:
    return json.dumps(
        {
            "source": job.source,
            "calls": job.calls,
            "helpers": job.helpers,
            "files": dict(job.files),
            "modules": [*_LATE, *sorted(_imported(job.source) | _imported(job.helpers))],
            "filter": base64.b64encode(syscalls.seccomp_program()).decode(),
            "limits": LIMITS,
        }
    ).encode()


def _imported(source: str) -> set[str]:
    """The modules that code names and may have; they must be loaded before the child is sealed."""
    names: set[str] = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a model's invalid escapes are its own affair
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names & MODULES
