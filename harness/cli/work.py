"""`offbook work`: one stage of a run, by its key. Every executor calls this; so can you, or a job script.

    python -m offbook.harness.cli.work FOLDER KEY

Its options are read with argparse: typer loads pydantic, which takes longer than all else before a stage begins.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from offbook.engine.children import safe_children
from offbook.engine.progress import progress as bar
from offbook.engine.threads import settle_threads
from offbook.harness.cli.attached import Attached
from offbook.harness.cli.console import resumable
from offbook.harness.cli.examples import EXAMPLES
from offbook.harness.cli.exits import ended, told
from offbook.harness.matrix.worker import ATTEMPTS, work

QUIET = {"TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_VERBOSITY": "error"}
BELOW = f"""
example: {EXAMPLES["work"]}. Exit status 75 where another process does it or what it needs is not there, so that it may
be asked again later; 2 where it failed, which the folder then tells; others as `offbook --help` tells them
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as of every command."""
        msg = f"work: {message}; see offbook work --help"
        raise ValueError(msg)


def run(arguments: Sequence[str]) -> int:
    """Does a stage; returns the exit status.

    Raises:
        ValueError: other arguments than `--help` tells.
    """
    parser = _Parser(prog="offbook work", description="Do one stage of a run.", epilog=BELOW, allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="of the run: where its plan.json is")
    parser.add_argument("key", help="of the stage; twelve characters of it are enough")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--attempts", type=_count, default=ATTEMPTS, help="failures after which it is not tried again")
    parser.add_argument("--attached", action="store_true", help="progress as JSON lines; end when standard input does")
    chosen = parser.parse_args(arguments)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)  # read when the libraries are loaded, which may be never
    with Attached() if chosen.attached else bar() as progress, resumable():
        folder, key = chosen.folder, chosen.key
        return work(folder, key, progress=progress, device=chosen.device, attempts=chosen.attempts).value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f"expected a whole number from 1 on, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command without the others, and exits."""
    settle_threads()
    given = sys.argv[1:] if arguments is None else arguments

    def do() -> int:
        with told():
            return run(given)

    with safe_children():
        status = ended(do, ["work", *given])
    sys.exit(status)


if __name__ == "__main__":
    main()
