"""Names of pictures, made from what each shows: a name stays with its picture, whatever other pictures there are."""

import hashlib
import re

LONGEST = 120  # characters, so that every file system takes the file


def plot_name(*parts: object) -> str:
    """Parts joined to lower-case letters, digits and hyphens; empty ones are left out."""
    found = "-".join(filter(None, (re.sub(r"[^a-z0-9]+", "-", str(part).lower()).strip("-") for part in parts)))
    if len(found) <= LONGEST:
        return found
    return f"{found[: LONGEST - 9].strip('-')}-{hashlib.sha256(found.encode()).hexdigest()[:8]}"
