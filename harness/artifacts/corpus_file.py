"""Where a corpus in a file lies: as given, or below the folder of data sets."""

import os
from pathlib import Path

from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted_path
from offbook.tasks.source import VARIABLE


def find_file(source: str) -> Path:
    """A file as given, or below the folder OFFBOOK_DATA names.

    Raises:
        ValueError: it is in neither place.
    """
    folder = os.environ.get(VARIABLE)
    path = user_path(source, what="corpus")
    places = [path] if folder is None else [path, user_path(folder, what=VARIABLE) / path]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        where = "here" if folder is None else f"here or below {VARIABLE}"
        corpus = quoted_path(source)
        msg = f"expected a corpus {corpus} {where}, found none; check the path, or point {VARIABLE} at its folder"
        raise ValueError(msg)
    return found
