"""What is replayed: the untouched model's own answers to other prompts, made once for a base model.

<tables>/replay-<hash16>/answers.jsonl      every answer, a line each, written when it ends; those that hit the cap too

The hash is that of model, prompts and cap. An interrupted call goes on; processes that want the same wait for one.
"""

from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.decoding.layouts.choose import layout_in_training
from offbook.engine.drafters.answers import answer_prompts
from offbook.engine.progress import Progress
from offbook.engine.students.paths import end_token
from offbook.engine.students.replay import ReplayItem
from offbook.harness.artifacts.replay_prompts import ANSWER_TOKENS, replay_prompts, replay_prompts_sha256
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.locks import locked
from offbook.harness.records.spent import spending

ANSWERS = "answers.jsonl"
WIDTH = 64  # answers side by side


def replay_items(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    tables: Path,
    progress: Progress,
    *,
    base: Sequence[str | None],
    max_length: int,
) -> tuple[ReplayItem, ...]:
    """The answers that end by themselves; learning from others would teach not to end.

    Args:
        model: the untouched one, in its native attention.
        tokenizer: its tokenizer.
        tables: folder of what trainings of one base model share.
        progress: is told how far it is.
        base: hashes of the model's weights and settings.
        max_length: a prompt with its answer may have so many tokens; longer ones are left out.

    Raises:
        ValueError: not one answer ends by itself; see also `answer_prompts`.
    """
    prompts = replay_prompts()
    place = tables / f"replay-{canonical_sha256([*base, replay_prompts_sha256()])[:16]}"
    with locked(place, "table of replayed answers", progress.say), spending("forwards"):
        answers = answer_prompts(
            model,
            tokenizer,
            prompts,
            place / ANSWERS,
            max_new_tokens=ANSWER_TOKENS,
            batch_size=WIDTH,
            layout=layout_in_training(model),
            progress=lambda done, total: progress.update(done, total, "answers to replay"),
        )
    end, asked = end_token(tokenizer), {prompt.id: prompt.question for prompt in prompts}
    items = tuple(
        ReplayItem(
            id=answer.id,
            prompt=answer.prompt_tokens,
            tokens=answer.answer_tokens,
            question=asked.get(answer.id, ""),
        )
        for answer in answers
        if len(answer.answer_tokens) > 1
        and answer.answer_tokens[-1] == end
        and len(answer.prompt_tokens) + len(answer.answer_tokens) <= max_length
    )
    if not items:
        msg = (
            f"expected answers that end within {ANSWER_TOKENS} tokens to replay, got none of {len(answers)}; train "
            "with replay 0, or another --model"
        )
        raise ValueError(msg)
    tokens = sum(len(item.tokens) for item in items) / len(items)
    progress.say(
        f"    replay: {len(items)} of {len(answers)} answers end by themselves, {tokens:.0f} tokens on average"
    )
    return items
