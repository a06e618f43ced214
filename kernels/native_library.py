"""The C code of the kernels and of the layout `packed`, opened with ctypes: no torch ABI, no Python API.

setuptools builds it where an install finds a C compiler and POSIX threads; without them everything else works. It holds
several instruction sets, of which it takes the best that the machine has. Nothing heavy is imported here.
"""

import ctypes
import functools
import importlib.machinery
from pathlib import Path

STEM = "_native"
SETS = ("AVX-512", "AVX2", "portable")


def native_available() -> tuple[bool, str]:
    """Whether the C code can run here, and its instruction set or why not."""
    if _path() is None:
        return False, "its C code is not built; install offbook again where there is a C compiler"
    try:
        return True, instruction_sets()[0]
    except OSError as error:
        return False, f"its C code does not load ({error}); install offbook again"


def instruction_sets() -> tuple[str, ...]:
    """Those of this machine, best first.

    Raises:
        OSError: the library was not built, or does not fit this machine.
    """
    has = library().offbook_instruction_set
    has.argtypes, has.restype = [ctypes.c_char_p], ctypes.c_char_p
    return tuple(name for name in SETS if has(name.encode()) is not None)


@functools.cache
def library() -> ctypes.CDLL:
    """The library, opened once.

    Raises:
        OSError: it was not built, or does not fit this machine.
    """
    path = _path()
    if path is None:
        msg = f"no {STEM} in {Path(__file__).parent.name}"
        raise OSError(msg)
    return ctypes.CDLL(str(path))


def _path() -> Path | None:
    folder = Path(__file__).resolve().parent
    built = (folder / f"{STEM}{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES)
    return next((path for path in built if path.is_file()), None)


def main() -> int:
    """Says what is here; the status is 0 where the C code runs. Asked of every wheel that is built."""
    here, found = native_available()
    print(f"the C code runs with {found}" if here else f"not here: {found}")
    return 0 if here else 1


if __name__ == "__main__":
    raise SystemExit(main())
