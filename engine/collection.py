"""Python's search for cycles among objects, put off where many objects are made that have none."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collected_later() -> Iterator[None]:
    """No search inside of it; also a decorator.

    Each search looks at all objects that are there, so a program that makes millions of them spends a quarter of its
    time in searches that find nothing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
