"""`offbook train-drafter`: a decoder's draft model, trained on the target's own answers."""

from typing import Annotated, Any, Literal

import typer

from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.progress import progress as bar
from offbook.harness.cli.completing import trained
from offbook.harness.cli.console import quiet, resumable
from offbook.harness.cli.derived import SetSettings, with_options
from offbook.harness.cli.options import MODEL, Answers, Device, Model, Output, Revision


@with_options(
    TrainingConfig, ("epochs", "batch_size", "learning_rate", "draft_vocab_size", "max_length", "seed"), into="training"
)
def train_drafter(
    *,
    name: Annotated[
        str, typer.Argument(autocompletion=trained, help="Whose drafter; `offbook ls` tells who needs one.")
    ],
    model: Model = MODEL,
    output: Output = None,
    answers: Answers = "shipped",
    prompts: Annotated[
        str | None, typer.Option("--prompts", help="A question.jsonl or an lm-eval task instead of the own prompts.")
    ] = None,
    features: Annotated[
        Literal["cached", "online"], typer.Option("--features", help="Keep the target's features on disk, or not.")
    ] = "cached",
    limit: Annotated[int | None, typer.Option("--limit", min=2, help="Answers to train on; by default all.")] = None,
    training: dict[str, Any],
    device: Device = "auto",
    revision: Revision = None,
    settings: SetSettings = None,
) -> None:
    """Train a drafter.

    It learns from the target's own answers; after an interruption the same command goes on.
    """
    from offbook.harness.artifacts.train_drafter import train
    from offbook.harness.settings.drafters import DrafterTrainingSpec
    from offbook.harness.settings.overrides import overridden
    from offbook.harness.settings.parse import parse

    given = overridden({}, settings or []) | training | ({} if limit is None else {"answers": limit})
    spec = parse(DrafterTrainingSpec, given, source="command line")
    quiet()
    with bar() as progress, resumable():
        folder = train(
            name,
            model,
            spec,
            progress,
            answers=answers,
            prompts=prompts,
            features=features,
            output=output,
            device=device,
            revision=revision,
        )
    typer.echo(str(folder))
