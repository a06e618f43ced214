"""The program of the child process: takes a job from standard input, seals itself, runs the answer, sends what it gave.

It runs without offbook and without site-packages (`offbook.tasks.prompts.sandbox` hands its text to `python -c`), and
it is as untrusted as the answer that it runs: the answer may change every object here. So it knows the calls to make,
but not what they should give; it sends values, and the parent judges.
"""

import base64
import builtins
import ctypes
import importlib
import io
import json
import os
import resource
import signal
import sys
import types
from typing import Any

SEALED = b"sealed\n"
DEPTH, NODES, BITS = 40, 20_000, 10_000  # of a value that is sent, and of a whole number in it
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER, PARENT_DEATH_SIGNAL = 38, 22, 2, 1  # of prctl(2)


def main() -> None:
    """Do the job and end, without the interpreter's own farewell."""
    job = json.loads(sys.stdin.buffer.read())
    for name in job["modules"]:
        importlib.import_module(name)
    try:
        _seal(base64.b64decode(job["filter"]), job["limits"])
    except (OSError, ValueError) as error:
        os.write(1, f"not sealed: {error}\n".encode())
        os._exit(0)
    os.write(1, SEALED)
    results = _run(job["source"], job["helpers"], job["calls"], job["files"])
    data = json.dumps(results).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]
    os._exit(0)


def _seal(program: bytes, limits: dict[str, int]) -> None:
    """Gives up for good whatever computing does not need.

    Raises:
        OSError: the kernel does not do it.
        ValueError: a limit is below one that is already there.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
    for name, value in limits.items():
        if name != "alarm":
            which = getattr(resource, name)
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (value, value))
    signal.alarm(limits["alarm"])  # nobody can catch it or put it off once the filter is there
    os.close(0)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    wanted = Program(len(program) // 8, program)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(wanted), 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


def _run(source: str, helpers: str, calls: list[str], files: dict[str, str]) -> list[Any]:
    """What each call gives or raises; of an answer that cannot be run, what that raised, once for every call."""
    answer = types.ModuleType("answer")
    sys.modules["answer"] = answer
    _surround(files)
    try:
        exec(compile(source, "answer", "exec", dont_inherit=True), answer.__dict__)  # what all this is for
        names = dict(answer.__dict__)
        exec(compile(helpers, "helpers", "exec", dont_inherit=True), names)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are answers too
        return [{"raised": [kind.__name__ for kind in type(error).__mro__]}] * len(calls)
    return [_call(call, dict(names)) for call in calls]


def _call(call: str, names: dict[str, Any]) -> Any:
    sys.stdout = io.StringIO()
    try:
        return {"value": _sent(eval(call, names), 0, [NODES])}  # what all this is for
    except BaseException as error:
        return {"raised": [kind.__name__ for kind in type(error).__mro__]}


def _surround(files: dict[str, str]) -> None:
    """Nothing is read but `files`, nothing waits, chance is the same each time."""
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), io.StringIO(), io.StringIO()

    def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        name = str(file)
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory", name)
        if set(mode) - set("rtb"):
            raise PermissionError(1, "Operation not permitted", name)
        return io.BytesIO(files[name].encode()) if "b" in mode else io.StringIO(files[name])

    builtins.open = io.open = opened
    if "time" in sys.modules:
        sys.modules["time"].sleep = lambda seconds: None  # type: ignore[attr-defined]
    if "random" in sys.modules:
        sys.modules["random"].seed(0)


def _sent(value: Any, depth: int, left: list[int]) -> Any:
    """A value as JSON can hold it: [name of the plain type, content], or ["other", name] for any other object."""
    left[0] -= 1
    if depth > DEPTH or left[0] < 0:
        msg = "too large to be sent"
        raise ValueError(msg)
    kind = type(value)
    if kind is int and int.bit_length(value) > BITS:
        return ["other", "int"]
    if value is None or kind in (bool, int, float, str):
        return [kind.__name__, value]
    if kind in (list, tuple, set, frozenset):
        return [kind.__name__, [_sent(item, depth + 1, left) for item in value]]
    if issubclass(kind, dict):
        items = dict.items(value)
        return ["dict", [[_sent(k, depth + 1, left), _sent(v, depth + 1, left)] for k, v in items]]
    for base in (int, float, str, list, tuple):  # a named tuple, a member of an enumeration
        if issubclass(kind, base):
            return _sent(base(value), depth + 1, left)
    return ["other", kind.__name__]


if __name__ == "__main__":
    main()
