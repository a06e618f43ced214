"""Finds questions that a test set also asks: thirteen words in a row are the same, every number counting as one word.

A question of fewer words overlaps where it is the whole of a test question. The test sets are the procedural and
forgetting suites (test and dev), the embedded prompts, and the files of published data sets that OFFBOOK_DATA holds.
"""

from collections.abc import Iterable, Mapping

from offbook.engine.ngrams import runs
from offbook.tasks.forgetting import FAMILIES, questions
from offbook.tasks.procedural.documents import ID_FAMILIES, OOD_FAMILIES, documents
from offbook.tasks.prompts import load_prompts
from offbook.tasks.published import SOURCES
from offbook.tasks.rationales.synthesis.questions import Asked
from offbook.tasks.source import local_file, read_local

PUBLISHED = tuple(SOURCES.values())


def overlaps(questions: Iterable[Asked], test_sets: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The ids of questions that overlap a test set, and the first such test set's name.

    Args:
        questions: to train on.
        test_sets: the questions of each test set, without options.
    """
    owner: dict[tuple[str, ...], str] = {}
    for name, texts in test_sets.items():
        for text in texts:
            for gram in runs(text):
                owner.setdefault(gram, name)
    found = {q.id: next((owner[gram] for gram in runs(q.text) if gram in owner), None) for q in questions}
    return {question: name for question, name in found.items() if name is not None}


def known_test_sets() -> dict[str, list[str]]:
    """The questions of every test set that is at hand, by name.

    Raises:
        ValueError: a file under OFFBOOK_DATA that is not what was expected.
    """
    sets = {
        f"procedural {family} {split}": [str(document["question"]) for document in documents(family, split)]
        for family in [*ID_FAMILIES, *OOD_FAMILIES]
        for split in ("test", "dev")
    }
    sets |= {
        f"forgetting {family} {split}": [question.question for question in questions(split, family)]
        for family in FAMILIES
        for split in ("test", "dev")
    }
    sets["prompts test"] = [prompt.prompt for prompt in load_prompts("test")]
    for source in PUBLISHED:
        if (path := local_file(source)) is not None:
            sets[source.name] = [str(document["question"]) for document in read_local(source, path)]
    return sets
