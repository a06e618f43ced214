"""What students of a profile learn from: a corpus without questions of any test set, and development questions.

Development questions choose checkpoints and settings. They are never trained on and are no test questions: procedural
ones come from the split dev, of which suites have the first ones only; those of a file are its next ones behind the
training questions, without those that share thirteen words with one of these.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from offbook.engine.progress import Progress
from offbook.engine.students.corpus import Corpus, Question, instruct, load_corpus
from offbook.harness.artifacts.corpus_file import find_file
from offbook.harness.artifacts.retention import retention_documents
from offbook.harness.settings.students import PROCEDURAL, CorpusSpec
from offbook.tasks.lettered import split_options
from offbook.tasks.procedural import generate
from offbook.tasks.procedural.documents import ID_FAMILIES, Document, score, word_problem
from offbook.tasks.rationales.mistakes import with_mistakes
from offbook.tasks.rationales.procedural_teacher import IDS, teach
from offbook.tasks.rationales.synthesis.overlap import PUBLISHED, known_test_sets, overlaps
from offbook.tasks.rationales.synthesis.questions import Asked, kind_of, train_problems
from offbook.tasks.rationales.synthesis.rationale_rows import load_questions, load_rationale_rows
from offbook.tasks.source import VARIABLE

DEV = 40  # development questions a family, in all of its stories


@dataclass(frozen=True, kw_only=True)
class DevQuestion:
    """A development question: its id, the prompt, whether a text answers it; those of one cluster are alike."""

    id: str
    prompt: str
    is_answered_by: Callable[[str], bool]
    cluster: str = ""


@dataclass(frozen=True, kw_only=True)
class Material:
    """A corpus with its development questions; `sha256` is the hash of both.

    `retention` are development questions of other kinds, see `retention.py`; they decide nothing of a student.
    """

    name: str
    corpus: Corpus
    dev: tuple[DevQuestion, ...]
    retention: tuple[DevQuestion, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of every question and rationale, and of the development prompts."""
        questions = [question.model_dump(mode="json") for question in self.corpus.questions]
        content = json.dumps([self.corpus.perspectives, questions, [[q.id, q.prompt] for q in self.dev]])
        return hashlib.sha256(content.encode()).hexdigest()


def load_material(spec: CorpusSpec, progress: Progress) -> Material:
    """The corpus of a profile.

    Raises:
        ValueError: a file that is missing or no corpus, or fewer questions than were asked for.
    """
    if spec.source == PROCEDURAL:
        return _procedural(spec)
    path = find_file(spec.source)
    if spec.format == "rationale_rows":
        corpus = load_rationale_rows(path, max_perspectives=spec.perspectives, say=progress.say)
        asked = {question.id: question for question in load_questions(path)}
    else:
        corpus = load_corpus(path)
        asked = {question.id: _asked(question) for question in corpus.questions}
    as_trained = {question.id: question.question for question in corpus.questions}
    sets = known_test_sets()
    overlapping = overlaps(asked.values(), sets)
    kept = [question for question in corpus.questions if question.id not in overlapping]
    absent = [source.name for source in PUBLISHED if source.name not in sets]
    progress.say(
        f"{path.name}: {len(kept)} of {len(corpus)} questions with rationales overlap none of {len(sets)} test sets"
    )
    if absent:
        progress.say(f"not checked for overlap, for want of their files below {VARIABLE}: {', '.join(absent)}")
    training, rest = kept[: spec.questions], [asked[question.id] for question in kept[spec.questions :]]
    alike = overlaps(rest, {"training": [asked[question.id].text for question in training]})
    dev = [question for question in rest if question.id not in alike][: spec.dev_questions]
    if len(training) < spec.questions or len(dev) < spec.dev_questions:
        msg = (
            f"{path.name}: expected {spec.questions} questions to train on and {spec.dev_questions} for development, "
            f"got {len(training)} and {len(dev)} that overlap neither a test set nor each other; ask for fewer"
        )
        raise ValueError(msg)
    return Material(
        name=path.stem,
        corpus=Corpus.of(training, corpus.perspectives),
        dev=tuple(
            DevQuestion(id=q.id, prompt=instruct(as_trained[q.id]), is_answered_by=q.is_answered_by) for q in dev
        ),
        retention=tuple(map(_procedural_question, retention_documents(spec.retention_questions))),
    )


def _procedural(spec: CorpusSpec) -> Material:
    per_family = -(-spec.questions // len(ID_FAMILIES))
    problems = train_problems(per_family, spec.questions)
    return Material(
        name=PROCEDURAL,
        corpus=Corpus.of((with_mistakes(teach(p), p) for p in problems), IDS),
        dev=tuple(map(_procedural_question, _dev_documents(spec.dev_questions))),
        retention=tuple(map(_procedural_question, retention_documents(spec.retention_questions))),
    )


def _dev_documents(count: int) -> list[Document]:
    """Word problems of the split dev, the families in turn; the suites' own dev questions are the first of them.

    Raises:
        ValueError: more than there are.
    """
    if count > (most := DEV * len(ID_FAMILIES)):
        msg = f"dev_questions: expected at most {most} for the procedural corpus, got {count}"
        raise ValueError(msg)
    families = [generate("dev", family, -(-count // len(ID_FAMILIES))) for family in ID_FAMILIES]
    return [word_problem(problem) for round_ in zip(*families, strict=True) for problem in round_][:count]


def _procedural_question(doc: Document) -> DevQuestion:
    return DevQuestion(
        id=doc["id"],
        prompt=instruct(doc["question"]),
        is_answered_by=lambda text: score(doc, text) == 1,
        cluster=doc["cluster"],
    )


def _asked(question: Question) -> Asked:
    """A corpus keeps a question as it is asked; test sets are held against it without its options."""
    text, choices = split_options(question.question)
    kind = kind_of(question.answer, choices)
    return Asked(id=question.id, text=text, answer=question.answer, kind=kind, choices=choices)
