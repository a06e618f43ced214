"""Development questions of other kinds than a corpus's: what a student should not have unlearned.

They choose among recipes that are equally good at the corpus's own kind; of one training they decide nothing. Whatever
gives families of documents, with the fields of `tasks.procedural.documents`, can stand among `SOURCES`; suites ask
other questions of these kinds.
"""

import itertools
from collections.abc import Callable, Sequence

from offbook.tasks.procedural.documents import OOD_FAMILIES, Document, documents

Source = Callable[[], Sequence[Sequence[Document]]]


def procedural_ood() -> list[list[Document]]:
    """The families out of distribution, on their split dev."""
    return [documents(family, "dev") for family in OOD_FAMILIES]


SOURCES: tuple[Source, ...] = (procedural_ood,)


def retention_documents(count: int) -> list[Document]:
    """So many documents, the families of all sources in turn.

    Raises:
        ValueError: more than there are.
    """
    families = [family for source in SOURCES for family in source()] if count else []
    rounds = itertools.zip_longest(*families)
    found = [document for round_ in rounds for document in round_ if document is not None]
    if len(found) < count:
        msg = f"retention_questions: expected at most {len(found)}, got {count}"
        raise ValueError(msg)
    return found[:count]
