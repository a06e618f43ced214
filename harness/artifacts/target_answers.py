"""The target's answers to the training prompts: the file shipped with offbook where it fits, else asked anew."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from offbook.engine.progress import Progress
from offbook.engine.quoting import quoted
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.spent import spending
from offbook.harness.roster.target import Target
from offbook.tasks.prompts import DATA_PATH, Prompt, load_prompts

if TYPE_CHECKING:
    from offbook.engine.drafters.answers import Answer

Source = Literal["shipped", "regenerate"]


def asked_prompts(limit: int | None, prompts: Sequence[Prompt] | None = None) -> Sequence[Prompt]:
    """The training prompts, or others in their place; all or `limit` of them, evenly spaced."""
    prompts = load_prompts("train") if prompts is None else prompts
    return prompts if limit is None else [prompts[i * len(prompts) // limit] for i in range(min(limit, len(prompts)))]


def target_answers(
    target: Target,
    source: Source,
    folder: Path,
    progress: Progress,
    *,
    limit: int | None = None,
    prompts: Sequence[Prompt] | None = None,
) -> "list[Answer]":
    """Answers to the training prompts, or to `limit` of them, evenly spaced (the six categories in equal shares).

    Args:
        target: who answers.
        source: "shipped" reads the file that comes with offbook for this model; "regenerate" asks the target, and
            continues what an earlier call left in `folder`.
        folder: where regenerated answers are kept.
        progress: is told how far regeneration is.
        limit: how many.
        prompts: what to answer instead of the embedded prompts; nothing is shipped for these, so the target is asked.

    Raises:
        ValueError: no answers are shipped for this model, or they are another tokenizer's.
    """
    from offbook.engine.drafters.answers import answer_prompts, load_answers

    own = prompts is None
    prompts = asked_prompts(limit, prompts)
    if own and source == "shipped":
        path = DATA_PATH / f"answers-{target.name}.jsonl"
        if not path.is_file():
            msg = (
                f"expected answers of {quoted(target.name)} among those shipped, found none; let it answer with "
                "--answers regenerate"
            )
            raise ValueError(msg)
        return load_answers(path, target.tokenizer, prompts)
    layout = target.for_answers().backbone.layout
    target.backbone.use_native_attention()
    try:
        with spending("forwards"):
            return answer_prompts(
                target.backbone.model,
                target.tokenizer,
                prompts,
                folder / f"answers-{target.weights_sha256[:12]}-{canonical_sha256([p.id for p in prompts])[:8]}.jsonl",
                layout=layout,
                progress=lambda done, total: progress.update(done, total, "answers to the training prompts"),
            )
    finally:
        target.backbone.use_tree_attention()
