"""How a command ends: its exit status (`STATUSES`), and one line on standard error for whatever stopped it."""

import contextlib
import errno
import functools
import os
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from offbook.engine.quoting import without_long_words
from offbook.harness.records.damaged import DamagedError

FOUND_WANTING, MISTAKE, BUG = 1, 2, 70
STATUSES = """\b
How a command ends, by its exit status:
  0    done
  1    something was measured, or found, wanting
  2    a mistake in what was asked or in a file, a stage that failed,
       a machine without room or memory: one line
  70   a bug of offbook: the traceback, and what to report
  75   of `offbook work`: another process does the stage, or what it
       needs is not there; ask again later
  129  SIGHUP, 130 Ctrl-C, 143 SIGTERM: what is done is kept, and a
       line says how to go on
  141  nobody reads the output any more: silence
"""
LONGEST = 2_000  # characters of a line
AGAIN_S = 0.05
ENDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Libraries below whose own errors are about what they were given. Where the file is known, it is named there and then.
FOREIGN = frozenset(
    {
        *("safetensors", "safetensors_rust", "jinja2", "tokenizers", "yaml", "json", "pydantic", "pydantic_core"),
        *("zipfile", "zlib", "gguf", "csv", "pyarrow", "datasets", "pandas", "filelock"),
        *("huggingface_hub", "httpx", "httpcore", "requests", "urllib3", "openai"),
    }
)
PRINTERS = ("typer", "click", "rich")
OUTPUT = ("--output", "--output-path", "--output_path")


class Signalled(KeyboardInterrupt):
    """A signal that ends a command as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Interrupted(Exception):  # noqa: N818 (no error)
    """A command that was told to stop.

    Attributes:
        number: of the signal.
        kept: whether the same command goes on from where it stopped.
        output: the folder to go on in.
    """

    def __init__(self, number: int, *, kept: bool = False, output: Path | None = None) -> None:
        super().__init__(number)
        self.number, self.kept, self.output = number, kept, output


class ReaderGoneError(Exception):
    """Nobody reads standard output any more."""


def number_of(interrupt: KeyboardInterrupt) -> int:
    """The signal behind an interruption."""
    return interrupt.number if isinstance(interrupt, Signalled) else signal.SIGINT


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Ctrl-C, other signals and a closed pipe leave the block under names that typer does not know, and so lets pass.

    Raises:
        Interrupted: the command was told to stop.
        ReaderGoneError: standard output is closed.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise Interrupted(number_of(interrupt)) from None
    except BrokenPipeError as error:
        raise ReaderGoneError from error


def ended(run: Callable[[], Any], arguments: Sequence[str]) -> int:
    """Runs a command and returns its exit status; what stopped it is told.

    Args:
        run: the command; returns its status, or what is no number for 0.
        arguments: of the command line, for the line on how to go on.
    """
    _complete_streams()
    _lenient_streams()
    try:
        with _signals():
            status = run()
            sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except Interrupted as end:
        return _interrupted(end, arguments)
    except KeyboardInterrupt as end:
        return _interrupted(Interrupted(number_of(end)), arguments)
    except (BrokenPipeError, ReaderGoneError):
        _abandon_output()
        return 128 + getattr(signal, "SIGPIPE", 13)
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and _is_of_output(error):
            error.filename = "standard output"
            _abandon_output()
        line = explained(error)
        if line is None:
            traceback.print_exception(error)
            say("this is a bug in offbook; please report it with the command, these lines and `offbook --version`")
            return BUG
        say(f"error: {without_long_words(line, arguments)}")
        return FOUND_WANTING if isinstance(error, DamagedError) else MISTAKE


def say(line: str) -> None:
    """One line on standard error; what cannot be printed is escaped, what is very long is cut."""
    text = " ".join(line.split())
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    with contextlib.suppress(OSError):  # nobody listens
        print(f"offbook: {text if len(text) <= LONGEST else f'{text[:LONGEST]}...'}", file=sys.stderr, flush=True)


def explained(error: Exception) -> str | None:
    """An error as one line for who asked; None where it can only be a bug."""
    text = " ".join(str(error).split()) or type(error).__name__
    if hasattr(error, "format_message"):  # typer's usage errors share no public class with those of older versions
        return str(error.format_message())
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return f"out of memory ({text}); take a smaller model, batch or length, or a smaller --dtype"
    if isinstance(error, RecursionError):
        return f"expected input that is not nested so deeply, got: {text}; flatten it"
    if isinstance(error, OSError):
        return _os_error(error, text)
    if _library(error).startswith("pydantic"):
        from pydantic import ValidationError  # imported late: most errors are others

        from offbook.engine.complaints import complaint

        if isinstance(error, ValidationError):
            return complaint(error).told("what was read")
    if isinstance(error, ValueError) or type(error) is Exception:  # the latter is how tokenizers complains
        return text
    root = _library(error)
    return f"{root}: {text}" if root in FOREIGN else None


def _library(error: Exception) -> str:
    return type(error).__module__.partition(".")[0].lstrip("_")


def _os_error(error: OSError, text: str) -> str:
    if error.strerror is None:
        return text
    place = "" if error.filename is None else f"{os.fsdecode(str(error.filename))}: "
    remedy = "; make room and run the same command again" if error.errno in NO_ROOM else ""
    return f"{place}{error.strerror}{remedy}"


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, RuntimeError) and (
        type(error).__name__ == "OutOfMemoryError"
        or "allocate memory" in str(error)
        or "not enough memory" in str(error)
    )


def _interrupted(end: Interrupted, arguments: Sequence[str]) -> int:
    if "TORCHELASTIC_RUN_ID" not in os.environ:  # one of several processes: whoever started them says it
        how = "what is done is kept; go on with" if end.kept else "nothing is half written; begin again with"
        say(f"{ENDS[signal.Signals(end.number).name]}; {how}: {_again(arguments, end.output)}")
    return 128 + end.number


def _again(arguments: Sequence[str], output: Path | None) -> str:
    words = [word for word in arguments if word != "--fresh"]
    if output is not None and not any(word.partition("=")[0] in OUTPUT for word in words):
        words[1:1] = ["--output", str(output)]
    command = shlex.join(["offbook", *words])
    return command if len(command) <= LONGEST // 2 else "the same command"


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and SIGHUP are raised as `Signalled`; one that is ignored (by nohup) stays so."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before, hook = {}, sys.unraisablehook
    sys.unraisablehook = functools.partial(_unraisable, hook)
    try:
        for name in names:
            number = signal.Signals[name]
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, _raise)
    except ValueError:  # not the main thread, which alone has signals
        pass
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _unraisable(before: Callable[[Any], object], found: Any) -> None:
    """A signal that came while an object was being removed, where nothing can be raised, comes again a moment later."""
    if isinstance(found.exc_value, KeyboardInterrupt):
        again = threading.Timer(AGAIN_S, os.kill, (os.getpid(), number_of(found.exc_value)))
        again.daemon = True
        again.start()
    else:
        before(found)


def _raise(number: int, frame: object) -> NoReturn:
    raise Signalled(number)


def _complete_streams() -> None:
    """A stream that the caller has closed (``>&-``) goes nowhere: no file is opened in its place and written to."""
    for number, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        if getattr(sys, name) is None:
            try:
                os.fstat(number)
            except OSError:
                nowhere = os.open(os.devnull, os.O_RDWR)
                if nowhere != number:
                    os.dup2(nowhere, number)
                    os.close(nowhere)
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 (as long as the process)


def _lenient_streams() -> None:
    """No character is too much for standard output: what its encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _is_of_output(error: OSError) -> bool:
    """Whether standard output could not be written: the error comes from here or from who prints, and names no file."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals.get("__name__", "").partition(".")[0] in PRINTERS or frame.f_code is ended.__code__


def _abandon_output() -> None:
    """Standard output cannot be written: Python's own attempt at exit goes nowhere, and says nothing."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
