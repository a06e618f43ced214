"""The texts that students are held against, and the base model's laws of them; made once and kept with a run.

    artifacts/tables/reference-<hash16>.safetensors     of one base model, one set of development questions, one cap

Development questions, not those of an exam: what a student has left is told before its test is looked at. Those of the
student's own corpus are asked in the words of its training, evenly over all of them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from offbook.engine.chat_answers import chat_tokens, greedy_tokens
from offbook.engine.progress import Progress
from offbook.engine.unusable import UnusableError
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
    """What a student of a base model is held against; a damaged file is made again, and named.

    Args:
        tables: the run's folder of what its stages share.
        base: the base model.
        load: loads it, where the file is not there yet.
        material: what the student learned from.
        max_new_tokens: cap on the base model's answers.
        progress: is told how far it is.
    """
    questions = chosen(material.dev)
    asked = [[question.id, question.prompt] for question in questions]
    key = canonical_sha256([VERSION, KEPT, base.base.key(), max_new_tokens, asked, dict(TEXTS)])
    path = tables / f"reference-{key[:16]}.safetensors"
    if path.is_file():
        try:
            return load_reference(path, key)
        except UnusableError as error:
            progress.say(f"    {str(error).rpartition('; ')[0]}; made again")
    target = load()
    texts = [*generic_texts(target), *_task(target, questions, max_new_tokens, progress)]
    found = make_reference(key, target.backbone, texts, progress)
    tables.mkdir(parents=True, exist_ok=True)
    found.save(path)
    return found


def chosen(dev: Sequence[DevQuestion]) -> list[DevQuestion]:
    """At most `QUESTIONS` development questions, evenly over all of them."""
    n = min(QUESTIONS, len(dev))
    return [dev[place * len(dev) // n] for place in range(n)]


def generic_texts(target: Target) -> list[Text]:
    """Generic texts as they stand, as far as they fit; the first token is predicted by nothing."""
    most = target.backbone.context_length
    encoded = [(name, target.encode(text, templated=False)[:most]) for name, text in TEXTS.items()]
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
