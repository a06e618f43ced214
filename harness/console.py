"""Manners of the command line: quiet libraries, and a note on how to go on after Ctrl-C."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def quiet() -> None:
    """Keeps progress bars and advice of libraries off the terminal; errors still come through."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import huggingface_hub
    import transformers

    huggingface_hub.logging.set_verbosity_error()  # its retries; that they failed is said once, by us
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


@contextlib.contextmanager
def resumable(how: str) -> Iterator[None]:
    """Ends the process with status 130 and one line on how to go on, where it is interrupted inside the block."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"offbook: interrupted; {how}", file=sys.stderr)
        raise SystemExit(130) from None


def terminal() -> "Console":
    """Standard output for tables, wide enough for one where nobody's terminal says otherwise."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=140)
