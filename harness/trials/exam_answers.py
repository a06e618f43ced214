"""A student's answers to all documents of an exam: greedy, in batches, sorted by length, so that little is padded.

Batches move the last bits of the logits, so that an answer may differ from the one-by-one answer of a heat where two
tokens tie.
"""

import time
from collections.abc import Mapping, Sequence

from offbook.engine.decoding.answering import answer_all
from offbook.engine.decoding.batch import BatchAnswer
from offbook.engine.decoding.stop import visible_text
from offbook.engine.progress import Progress
from offbook.harness.records.cell import LimitsSpec
from offbook.harness.records.exam import SittingSpec
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.manifest import load_average
from offbook.harness.records.spent import spending
from offbook.harness.roster.target import Target
from offbook.harness.trials.paper import Paper
from offbook.harness.trials.unscored import Began, ExamAnswer, Unscored

Prompts = Mapping[tuple[str, int], Sequence[int]]
NOT_KEYED = {"suites", "measures"}  # of a specification: scorers, and what is measured when the answers are there


def answers_key(paper: Paper, target: Target, spec: SittingSpec, prompts: Prompts) -> str:
    """The hash of what determines an exam's answers: its specification without the scorers, and every prompt."""
    exam = spec.model_dump(mode="json", exclude=NOT_KEYED)
    limits = {
        name: LimitsSpec.of(paper.limits(target, request)).model_dump(mode="json")
        for name, request in paper.questions()
    }
    documents = [[*name, list(prompt), limits[name]] for name, prompt in prompts.items()]
    return canonical_sha256({"exam": exam, "documents": documents})


def answer_paper(
    paper: Paper, target: Target, key: str, prompts: Prompts, title: str, progress: Progress
) -> Unscored[ExamAnswer]:
    """Answers to all documents.

    Args:
        paper: what is asked.
        target: who answers.
        key: of what determines the answers.
        prompts: of every document, as token ids.
        title: for people.
        progress: is told how far it is.
    """
    layout = target.backbone.layout.name
    began, clock = Began.now({layout: target.backbone.layout_facts}), time.perf_counter()
    asked = dict(paper.questions())
    names = [*prompts]
    answers: list[ExamAnswer] = []

    def told(index: int, answer: BatchAnswer) -> None:
        of, doc_id = names[index]
        answers.append(ExamAnswer(of=of, doc_id=doc_id, tokens=answer.tokens, finish_reason=answer.finish_reason))
        progress.update(len(answers), len(names), title)

    progress.update(0, len(names), title)
    target.backbone.use_native_attention()
    try:
        with spending("forwards"):
            answer_all(
                target.backbone.model,
                target.tokenizer,
                [prompts[name] for name in names],
                [paper.limits(target, asked[name]) for name in names],
                width=paper.batch_size,
                layout=target.backbone.layout,
                on_answer=told,
            )
    finally:
        target.backbone.use_tree_attention()
    return Unscored[ExamAnswer](
        key=key,
        began=began,
        load_at_end=load_average(),
        wall_s=time.perf_counter() - clock,
        answers=tuple(answers),
    )


def answer_texts(paper: Paper, target: Target, answers: Unscored[ExamAnswer]) -> dict[tuple[str, int], str]:
    """The answers as they are scored, under the place of their suite and their doc_id."""
    tokens = {(answer.of, answer.doc_id): answer.tokens for answer in answers.answers}
    return {
        name: visible_text(target.detokenize(tokens[name]), paper.limits(target, request).stop_strings)
        for name, request in paper.questions()
    }
