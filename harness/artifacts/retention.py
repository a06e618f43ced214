"""Development questions of other kinds than a corpus's: what a student should not have unlearned.

They choose among recipes that are equally good at the corpus's own kind; of one training they decide nothing. Whatever
gives families of documents, with the fields of `tasks.procedural.documents`, can stand among `SOURCES`; suites ask
other questions of these kinds, and none of them is replayed.
"""

import itertools
from collections.abc import Callable, Sequence

from offbook.tasks.forgetting.documents import READ
from offbook.tasks.forgetting.documents import documents as forgetting_documents
from offbook.tasks.procedural.documents import Document

Source = Callable[[], Sequence[Sequence[Document]]]


def forgetting() -> list[list[Document]]:
    """The families that forgetting is read on, on their split dev, asked as training asks."""
    return [forgetting_documents(family, "instructed", "dev") for family in READ]


SOURCES: tuple[Source, ...] = (forgetting,)


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
