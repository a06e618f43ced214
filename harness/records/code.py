"""Which code runs: a hash of all of it, for what one process may go on with behind another."""

import functools
import hashlib
import os
from pathlib import Path

import offbook

SOURCES = (".py", ".c", ".h")


@functools.cache
def code_sha256() -> str:
    """The hash of offbook's sources as they lie there when a process first asks; soon after it has loaded them."""
    digest = hashlib.sha256()
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(Path(offbook.__file__).parent, followlinks=True)
        for name in names
        if name.endswith(SOURCES)
    ]
    for path in sorted(found):
        digest.update(path.read_bytes())
    return digest.hexdigest()
