"""A disk on which no file may grow beyond some bytes: whoever writes meets a real error of the system, Rust's too."""

import contextlib
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from offbook.engine.files import atomic_files


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Inside, a file that grows beyond `size` bytes is "File too large"."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, bounds[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
        signal.signal(signal.SIGXFSZ, before)


def atomic_files_of_at_most(size: int) -> Callable[[Path], contextlib.AbstractContextManager[Path]]:
    """In place of `atomic_files`: what the block writes is bounded, and nothing else."""

    @contextlib.contextmanager
    def bounded(folder: Path) -> Iterator[Path]:
        with atomic_files(folder) as written, files_of_at_most(size):
            yield written

    return bounded


def names_below(folder: Path) -> set[str]:
    """The files and folders there, by their paths in it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
