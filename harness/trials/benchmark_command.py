"""How a benchmark of this folder is run as a command: with threads that sleep while they wait, as `offbook` runs them.

A mistake of who typed it ends in one line of what is wrong, and with status 2.
"""

import sys
from collections.abc import Callable

from offbook.engine.threads import run_settled


def run(module: str, main: Callable[[], None]) -> None:
    """Runs `main` of `module`, which python was called with (`-m`).

    Raises:
        SystemExit: with 2 where it raises a ValueError, or a file cannot be read or written.
    """
    run_settled(module)
    try:
        main()
    except (ValueError, OSError) as error:
        print(f"{module.rpartition('.')[2]}: error: {error}", file=sys.stderr)
        raise SystemExit(2) from error
