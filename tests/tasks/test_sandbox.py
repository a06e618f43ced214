"""The sandbox for model-written code: what tries to get out, to leave a trace or to pass for right."""

import contextlib
import os
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from offbook.tasks.prompts import hidden_tests, sandbox
from offbook.tasks.prompts.sandbox import syscalls
from offbook.tasks.prompts.sandbox.values import Other, Raised, received
from offbook.tasks.prompts.scoring import defining_code, works
from offbook.tasks.prompts.utils import score_code

sealed = pytest.mark.skipif(bool(sandbox.unavailable()), reason=sandbox.unavailable() or "there is a sandbox")
SECRET = "a secret of the parent"
DOC = {"check": {"function": "rotate_left"}}
RIGHT = "def rotate_left(items, k):\n    k %= len(items)\n    return items[k:] + items[:k]\n"


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file and a secret of the parent; afterwards the file is as it was, and nothing else is anywhere."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("API_KEY", SECRET)
    path = tmp_path / "planted.txt"
    path.write_text("as it was")
    yield path
    assert path.read_text() == "as it was"
    assert sorted(tmp_path.iterdir()) == [path, temporary]
    assert list(temporary.iterdir()) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


IMPORTS = """
import builtins, ctypes, io, json, os, pathlib, queue, random, secrets, sys, threading, time, traceback
libc = ctypes.CDLL(None)
"""
REFUSED = {
    "read a file": "os.open({path!r}, os.O_RDONLY)",
    "read a file past the patched open": "io.FileIO({path!r})",
    "read a file by its path": "pathlib.Path({path!r}).read_text()",
    "read the hidden tests": "open({tests!r}).read()",
    "read code as the importer does": "io.open_code({tests!r}).read()",
    "load the hidden tests": "__import__('runpy').run_path({tests!r})",
    "import the hidden tests": "sys.path.insert(0, {root!r}) or __import__('offbook.tasks.prompts.hidden_tests')",
    "read the environment of the parent": "os.open('/proc/' + str(1) + '/environ', os.O_RDONLY)",
    "list a folder": "os.listdir({folder!r})",
    "write to a file": "open({path!r}, 'w').write('changed')",
    "write to a file past the patched open": "io.FileIO({path!r}, 'w')",
    "make a file": "os.open({folder!r} + '/new', os.O_CREAT | os.O_WRONLY)",
    "make a file where it stands": "os.open('new', os.O_CREAT | os.O_WRONLY)",
    "delete a file": "os.remove({path!r})",
    "rename a file": "os.rename({path!r}, {path!r} + '.moved')",
    "make a folder": "os.mkdir({folder!r} + '/new')",
    "make a link": "os.symlink({path!r}, {folder!r} + '/link')",
    "change a file's mode": "os.chmod({path!r}, 0)",
    "cut a file": "os.truncate({path!r}, 0)",
    "make a file in memory": "os.memfd_create('x')",
    "change the folder": "os.chdir('/')",
    "fork": "os.fork()",
    "start a program": "os.execv('/bin/sh', ['sh', '-c', 'echo > new'])",
    "start a program in a shell": "1 // (os.system('echo > new') == 0)",
    "start a program by spawning": "os.posix_spawn('/bin/true', ['true'], {{}})",
    "start a thread": "threading.Thread(target=print).start()",
    "leave the session": "os.setsid()",
    "kill the parent": "os.kill(os.getppid() or {parent}, 9)",
    "kill the group": "os.killpg({parent}, 9)",
    "signal everybody": "os.kill(-1, 15)",
    "catch the alarm": "__import__('signal').signal(14, print)",
    "put off the alarm": "__import__('signal').setitimer(0, 10 ** 6)",
    "raise a limit": "__import__('resource').setrlimit(__import__('resource').RLIMIT_CPU, (999, 999))",
    "open a pipe": "os.pipe()",
    "copy the pipe to the parent": "os.dup(1)",
    "write elsewhere": "os.write(2, b'hello')",
    "read from the parent": "os.read(0, 1)",
    "ask for input": "input()",
    "load a module that was not named": "__import__('sqlite3')",
    "import sockets": "__import__('_socket').socket()",
    "open a socket": "1 // (libc.socket(2, 1, 0) + 1)  # libc says no by -1",
    "fork in C": "1 // (libc.fork() + 1)",
    "start a program in C": "1 // (libc.system(b'echo > new') == 0)",
    "trace the parent": "1 // (libc.ptrace(16, {parent}, 0, 0) + 1)",
    "mount": "1 // (libc.mount(b'none', b'/', b'tmpfs', 0, 0) + 1)",
    "take the filter off": "1 // (libc.prctl(22, 0, 0, 0, 0) + 1)",
}


@sealed
def test_whatever_is_not_computing_is_refused(planted: Path) -> None:
    names = {
        "path": str(planted),
        "folder": str(planted.parent),
        "tests": str(Path(hidden_tests.__file__)),
        "root": str(Path(hidden_tests.__file__).parents[3]),
        "parent": os.getpid(),
    }
    found = sandbox.run(IMPORTS, [call.format(**names) for call in REFUSED.values()])
    assert found is not None
    done = {what: given for what, given in zip(REFUSED, found, strict=True) if not isinstance(given, Raised)}
    assert done == {}


FORGED = {
    "the success marker": "print('sealed\\nall tests passed')",
    "the end before the tests": "import os\nos._exit(0)",
    "an exit": "import sys\nsys.exit(0)",
    "an exit by exception": "def rotate_left(items, k):\n    raise SystemExit(0)",
    "an interrupt": "def rotate_left(items, k):\n    raise KeyboardInterrupt",
    "an object equal to all": """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 1
    def __len__(self): return 5
    def __iter__(self): return iter([self] * 5)
def rotate_left(items, k): return Equal()
""",
    "a list equal to all": """
class Equal(list):
    def __eq__(self, other): return True
def rotate_left(items, k): return Equal(items)
""",
    "an object that claims to be a list": """
class Liar:
    __class__ = list
    def __eq__(self, other): return True
def rotate_left(items, k): return Liar()
""",
    "other built-ins": """
import builtins
builtins.all = builtins.any = builtins.isinstance = lambda *a: True
builtins.eval = lambda *a: [3, 4, 5, 1, 2]
def rotate_left(items, k): return items
""",
    "another JSON": """
import json
json.dumps = lambda *a, **k: '[true, true, true, true, true, true]'
def rotate_left(items, k): return items
""",
    "results of its own": """
import os
os.write(1, b'[true, true, true, true, true, true]\\n')
os._exit(0)
""",
    "results of its own before the true ones": """
import os
os.write(1, b'[{"value": ["list", [["int", 3]]]}]\\n')
def rotate_left(items, k): return items
""",
    "a runner of its own": """
import __main__
__main__._call = lambda call, names: True
__main__._sent = lambda *a: ["list", [["int", n] for n in (3, 4, 5, 1, 2)]]
def rotate_left(items, k): return items
""",
    "what the frames know": """
import sys
def rotate_left(items, k):
    frame = sys._getframe()
    while frame:
        for value in frame.f_locals.values():
            if isinstance(value, (list, tuple)) and items in value:
                return value
            if isinstance(value, dict) and 'expected' in value:
                return value['expected']
        frame = frame.f_back
""",
    "what the collector knows": """
import gc
def rotate_left(items, k):
    alike = [o for o in gc.get_objects() if type(o) is list and sorted(map(str, o)) == sorted(map(str, items))]
    return next((o for o in alike if o != items and len(o) > 1), None)
""",
    "what a tracer can change": """
import sys
def tracer(frame, event, arg):
    frame.f_locals['expected'] = frame.f_locals['value'] = [3, 4, 5, 1, 2]
    return tracer
sys.settrace(tracer)
sys.setprofile(lambda *a: None)
def rotate_left(items, k): return items
""",
    "words at the end": """
import atexit, os
atexit.register(lambda: os.write(1, b'[true]\\n'))
def rotate_left(items, k): return items
""",
    "a crash": "import ctypes\nctypes.string_at(0)",
    "a generator": "def rotate_left(items, k):\n    yield from items[k:] + items[:k]",
    "a function": "def rotate_left(items, k):\n    return lambda: items[k:] + items[:k]",
    "a class": "def rotate_left(items, k):\n    return type('list', (), {})",
    "a name only": "def rotate_left(items, k):\n    return items[::-1]",
    "nothing": "def rotate_left(items, k):\n    pass",
    "a list without end": "def rotate_left(items, k):\n    items.append(items)\n    return items",
    "a list too deep": """
def rotate_left(items, k):
    for _ in range(100_000):
        items = [items]
    return items
""",
    "a list too long": "def rotate_left(items, k):\n    return [0] * 1_000_000",
    "a number too long": "def rotate_left(items, k):\n    return [10 ** 100_000]",
    "recursion without end": "def rotate_left(items, k):\n    return rotate_left(items, k)",
    "all memory": "def rotate_left(items, k):\n    return [bytearray(2 ** 31) for _ in range(64)]",
    "words without end": """
import os
def rotate_left(items, k):
    while True:
        os.write(1, b'x' * 65536)
""",
    "a pipe that is closed": "import os\nos.close(1)\ndef rotate_left(items, k):\n    return items",
    "text that is none": "def rotate_left(items, k):\n    return ['\\ud800']",
    "a print that never returns": """
def rotate_left(items, k):
    while True:
        print('x' * 65536)
""",
}


@sealed
@pytest.mark.parametrize("source", FORGED.values(), ids=FORGED)
def test_no_forgery_is_scored_right(source: str, planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sandbox.LIMITS, "RLIMIT_CPU", 1)
    assert not hidden_tests.passes(source, "rotate_left")


@sealed
@pytest.mark.parametrize(
    ("limit", "source"),
    [
        ("RLIMIT_CPU", "while True: pass"),
        ("RLIMIT_CPU", "def f():\n    try:\n        while True: pass\n    except BaseException: f()\nf()"),
        ("alarm", "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"),
    ],
)
def test_what_never_ends_is_ended(limit: str, source: str, planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sandbox.LIMITS, limit, 1)
    assert sandbox.run(source, ["1"]) is None


@sealed
def test_a_child_that_even_the_kernel_forgets_is_killed_by_the_parent(
    planted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "WALL_S", 2)
    waits = "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"
    with contextlib.suppress(sandbox.NotSandboxedError):  # on a busy machine the child is not sealed yet by then
        assert sandbox.run(waits, ["1"]) is None


@sealed
def test_the_child_knows_nothing_of_its_parent(planted: Path) -> None:
    source = "import gc, os, sys\ndef f(): return [dict(os.environ), sys.path, sys.argv, sys.flags.no_site]"
    found = sandbox.run(source, ["f()"])
    assert found is not None
    environment, path, arguments, no_site = found[0]
    assert environment == {"PYTHONHASHSEED": "0", "PYTHONCOERCECLOCALE": "0"}
    assert not [folder for folder in path if not folder or "site-packages" in folder or str(Path.cwd()) in folder]
    assert (arguments, no_site) == (["-c"], 1)
    assert SECRET not in str(found)


@sealed
def test_nothing_is_heard_on_the_network() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        port = listener.getsockname()[1]
        call = f"import socket\nsocket.create_connection(('127.0.0.1', {port}))"
        assert not isinstance(sandbox.run("", ["1"]), Raised)
        assert sandbox.run(call, ["1"]) == [
            Raised(("ModuleNotFoundError", "ImportError", "Exception", "BaseException", "object"))
        ]
        with pytest.raises(BlockingIOError):
            listener.accept()


@sealed
def test_signals_of_the_parent_stay_its_own() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM)}
    assert sandbox.run("import os\nos.kill(os.getpid(), 9)", ["1"]) == [
        Raised(("PermissionError", "OSError", "Exception", "BaseException", "object"))
    ]
    assert {number: signal.getsignal(number) for number in before} == before


@sealed
def test_values_of_plain_types_come_back_as_they_are() -> None:
    values = [
        "None",
        "True",
        "3",
        "-2.5",
        "'text'",
        "[1, (2, 'b')]",
        "{1, 2}",
        "{'a': [None]}",
        "float('inf')",
        "10 ** 30",
    ]
    assert sandbox.run("", values) == [
        None,
        True,
        3,
        -2.5,
        "text",
        [1, (2, "b")],
        {1, 2},
        {"a": [None]},
        float("inf"),
        10**30,
    ]


@sealed
def test_the_order_of_a_set_is_the_same_every_time() -> None:
    calls = ["list({'one', 'two', 'three', 'four', 'five', 'six'})"]
    assert sandbox.run("", calls) == sandbox.run("", calls)


@sealed
def test_chance_is_the_same_every_time() -> None:
    assert sandbox.run("import random", ["random.random()"]) == sandbox.run("import random", ["random.random()"])


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]\n",
        b"[1]\n",
        b"[true]",
        b"[true]\n[true]\n",
        b'[{"value": ["int", 1.5]}]\n',
        b'[{"value": ["int", true]}]\n',
        b'[{"value": ["dict", [[["list", []], ["int", 1]]]]}]\n',
        b'[{"value": ["set", [["list", []]]]}]\n',
        b'[{"value": ["list", 5]}]\n',
        b'[{"neither": 1}]\n',
        b'[{"value": ["int", ' + b"9" * 5000 + b"]}]\n",
        b"[" * 200_000 + b"\n",
        b"\xff\n",
        b"{}\n",
        b"null\n",
    ],
)
def test_bytes_that_are_no_results_are_none(sent: bytes) -> None:
    assert received(sent, 1) is None


def test_an_unknown_object_equals_nothing_that_is_expected() -> None:
    assert received(b'[{"value": ["other", "Equal"]}]\n', 1) == [Other("Equal")]
    assert not hidden_tests.equal([1], Other("list"))


def test_without_a_sandbox_nothing_runs_and_nothing_is_scored_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "unavailable", lambda: "the sandbox needs Linux, this is plan9")
    monkeypatch.setattr(sandbox, "_run", lambda job: pytest.fail("something ran"))
    ran = tmp_path / "ran"
    answer = f"```python\nopen({str(ran)!r}, 'w').write('x')\n{RIGHT}```"
    assert works(answer, "rotate_left") is None
    assert score_code(DOC, [answer]) == {"defined": 1.0}
    assert score_code(DOC, ["no code"]) == {"defined": 0.0}
    with pytest.raises(sandbox.NotSandboxedError, match="plan9"):
        sandbox.run(RIGHT, ["1"])
    assert not ran.exists()


def test_a_child_that_cannot_be_sealed_runs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if syscalls.missing():
        pytest.skip(syscalls.missing())
    ran = tmp_path / "ran"
    monkeypatch.setattr(syscalls, "seccomp_program", lambda: b"\xff" * 8)  # no program that a kernel takes
    sandbox.unavailable.cache_clear()
    try:
        reason = sandbox.unavailable()
        assert re.fullmatch(r"the sandbox could not be sealed: not sealed: .*seccomp: .*", reason)
        assert score_code(DOC, [f"open({str(ran)!r}, 'w')\n{RIGHT}"]) == {"defined": 0.0} or not ran.exists()
    finally:
        monkeypatch.undo()
        sandbox.unavailable.cache_clear()
    assert not ran.exists()


@sealed
@pytest.mark.parametrize("broken", ["subprocess.Popen", "tempfile.TemporaryFile"])
def test_a_machine_without_room_for_the_child_scores_nothing(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **settings: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"offbook.tasks.prompts.sandbox.{broken}", refuse)
    answer = f"{RIGHT}\n# {broken}"
    assert score_code(DOC, [answer]) == {"defined": 1.0}
    with pytest.raises(sandbox.NotSandboxedError, match="could not be started: No space left on device"):
        sandbox.run(answer, ["1"])


def test_a_filter_that_lets_something_through_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    if syscalls.missing():
        pytest.skip(syscalls.missing())
    architecture, write, allowed = syscalls._MACHINES[os.uname().machine]
    getpgid = {"x86_64": 257, "aarch64": 56}[os.uname().machine]  # openat
    monkeypatch.setitem(syscalls._MACHINES, os.uname().machine, (architecture, write, (*allowed, getpgid)))
    sandbox.unavailable.cache_clear()
    try:
        assert "does not hold" in sandbox.unavailable()
        assert "'read'" in sandbox.unavailable()
    finally:
        sandbox.unavailable.cache_clear()


@pytest.mark.parametrize(("system", "machine"), [("win32", "AMD64"), ("darwin", "arm64"), ("linux", "riscv64")])
def test_other_systems_say_why_they_have_none(system: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(syscalls.platform, "machine", lambda: machine)
    assert (system if system != "linux" else machine) in syscalls.missing()


def test_the_code_that_is_run_is_the_first_that_defines_the_function() -> None:
    answer = f"```python\nimport math\n```\n```python\n{RIGHT}```\nOr:\n```python\ndef rotate_left(): return 1\n```"
    assert defining_code(answer, "rotate_left") == RIGHT.rstrip("\n")
