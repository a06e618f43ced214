"""A hook of mkdocs: links to files of the checkout that are no pages stay as text, and have to lead somewhere.

The pages are read on a forge too, where `../results/architectures.md` is a link. A site has no such file; there its
name stands behind the words. A link to nothing stops the build, as one between pages does.
"""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Called by mkdocs for every page."""
    return without_outside_links(markdown, (ROOT / "docs" / page.file.src_uri).parent)


def without_outside_links(markdown: str, folder: Path) -> str:
    """The text of a page in a folder, its links out of docs/ written as `words (file)`.

    Raises:
        FileNotFoundError: one leads nowhere.
    """

    def told(found: re.Match[str]) -> str:
        place = (folder / found[2]).resolve()
        if place.is_relative_to(ROOT / "docs"):
            return found[0]
        if not place.exists() or not place.is_relative_to(ROOT):
            msg = f"expected a link to a file of the checkout, got {found[0]}"
            raise FileNotFoundError(msg)
        return f"{found[1]} (`{place.relative_to(ROOT).as_posix()}`)"

    parts, end = [], 0
    for block in FENCE.finditer(markdown):
        parts += [LINK.sub(told, markdown[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, LINK.sub(told, markdown[end:])])
