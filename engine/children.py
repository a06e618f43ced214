"""Programs that a command starts, itself or through a library, import nothing from the current folder.

`python -m` looks there first, where anybody's `json.py` or `pip.py` may lie: torch's launcher is started so, and pip by
what lm-eval writes about its environment.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "PYTHONSAFEPATH"


@contextmanager
def safe_children() -> Iterator[None]:
    """Inside, every Python that is started leaves its current folder out of its path."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
