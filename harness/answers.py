"""The target's answers to the training prompts: the file shipped with offbook where it fits, else asked anew."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from offbook.harness.progress import Progress
from offbook.harness.target import Target
from offbook.tasks.prompts import DATA_PATH, load_prompts

if TYPE_CHECKING:
    from offbook.engine.training.answers import Answer

Source = Literal["shipped", "regenerate"]


def target_answers(
    target: Target, source: Source, folder: Path, progress: Progress, *, limit: int | None = None
) -> "list[Answer]":
    """Answers to the training prompts, or to `limit` of them spaced evenly over the six categories.

    Args:
        target: who answers.
        source: "shipped" reads the file that comes with offbook for this model; "regenerate" asks the target, and
            continues what an earlier call left in `folder`.
        folder: where regenerated answers are kept.
        progress: is told how far regeneration is.
        limit: how many.

    Raises:
        ValueError: no answers are shipped for this model, or they are another tokenizer's.
    """
    from offbook.engine.training.answers import answer_prompts, load_answers

    prompts = load_prompts("train")
    if limit is not None:
        prompts = [prompts[i * len(prompts) // limit] for i in range(min(limit, len(prompts)))]
    if source == "shipped":
        path = DATA_PATH / f"answers-{target.name}.jsonl"
        if not path.is_file():
            msg = (
                f"expected answers of {target.name!r} among those shipped, found none; let it answer with --answers "
                "regenerate"
            )
            raise ValueError(msg)
        return load_answers(path, target.tokenizer, prompts)
    target.backbone.use_native_attention()
    try:
        return answer_prompts(
            target.backbone.model,
            target.tokenizer,
            prompts,
            folder / f"answers-{target.weights_sha256[:12]}.jsonl",
            progress=lambda done, total: progress.update(done, total, "answers to the training prompts"),
        )
    finally:
        target.backbone.use_tree_attention()
