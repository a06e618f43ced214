"""The texts that students are held against, and the base model's laws of them; made once and kept with a run.

    artifacts/tables/reference-<hash16>.safetensors     of one base model, one set of development questions, one cap

Development questions, not those of an exam: what a student has left is told before its test is looked at. Those of the
student's own corpus are asked in the words of its training, evenly over all of them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from offbook.engine.chat_answers import chat_tokens, greedy_tokens
from offbook.engine.progress import Progress
from offbook.harness.artifacts.material import DevQuestion, Material
from offbook.harness.artifacts.recipes import ModelSpec
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.spent import spending
from offbook.harness.roster.target import Target
from offbook.harness.settings.bounds import EXAM_BATCH
from offbook.harness.trials.divergence import KEPT, Reference, Text, load_reference, make_reference
from offbook.tasks.generic_text import TEXTS

VERSION = 1  # raise it when other texts are taken, or laws are kept otherwise
QUESTIONS = 32  # of development


def reference(
    tables: Path,
    base: ModelSpec,
    load: Callable[[], Target],
    material: Material,
    *,
    max_new_tokens: int,
    progress: Progress,
) -> Reference:
    """What a student of a base model is held against.

    Args:
        tables: the run's folder of what its stages share.
        base: the base model.
        load: loads it, where the file is not there yet.
        material: what the student learned from.
        max_new_tokens: cap on the base model's answers.
        progress: is told how far it is.

    Raises:
        UnusableError: a damaged file.
    """
    questions = chosen(material.dev)
    asked = [[question.id, question.prompt] for question in questions]
    digest = canonical_sha256([VERSION, KEPT, base.base.key(), max_new_tokens, asked, dict(TEXTS)])
    path = tables / f"reference-{digest[:16]}.safetensors"
    if not path.is_file():
        target = load()
        texts = [*_generic(target), *_task(target, questions, max_new_tokens, progress)]
        tables.mkdir(parents=True, exist_ok=True)
        make_reference(target.backbone, texts, progress).save(path)
    return load_reference(path)


def chosen(dev: Sequence[DevQuestion]) -> list[DevQuestion]:
    """At most `QUESTIONS` development questions, evenly over all of them."""
    n = min(QUESTIONS, len(dev))
    return [dev[place * len(dev) // n] for place in range(n)]


def _generic(target: Target) -> list[Text]:
    """Generic texts as they stand; the first token has nothing before it, and is predicted by nothing."""
    encoded = [(name, target.encode(text, templated=False)) for name, text in TEXTS.items()]
    return [
        Text(kind="generic", id=name, cluster="", prompt=tuple(tokens[:1]), tokens=tuple(tokens[1:]))
        for name, tokens in encoded
    ]


def _task(target: Target, questions: Sequence[DevQuestion], cap: int, progress: Progress) -> list[Text]:
    """The base model's greedy answers to development questions."""
    prompts = [chat_tokens(target.tokenizer, question.prompt) for question in questions]
    done: list[int] = []

    def told(index: int, tokens: list[int]) -> None:
        done.append(index)
        progress.update(len(done), len(prompts), "the untouched model answers development questions")

    target.backbone.use_native_attention()
    try:
        with spending("forwards"):
            answers = greedy_tokens(
                target.backbone.model,
                target.tokenizer,
                prompts,
                cap,
                width=EXAM_BATCH,
                layout=target.backbone.layout,
                on_answer=told,
            )
    finally:
        target.backbone.use_tree_attention()
    return [
        Text(kind="task", id=q.id, cluster=q.cluster, prompt=tuple(prompt), tokens=tuple(answer))
        for q, prompt, answer in zip(questions, prompts, answers, strict=True)
    ]
