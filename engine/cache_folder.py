"""Where offbook keeps what it can make again."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from offbook.engine.paths import user_path


def cache_folder() -> Path:
    """`$OFFBOOK_CACHE`, else offbook's place in the platform's user cache."""
    if chosen := os.environ.get("OFFBOOK_CACHE"):
        return user_path(chosen, what="OFFBOOK_CACHE")
    return user_cache_path("offbook", appauthor=False)
