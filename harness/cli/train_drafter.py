"""`offbook train-drafter`: a decoder's draft model, trained on the target's own answers."""

from typing import Annotated, Literal

import typer

from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import quiet, resumable
from offbook.harness.cli.options import LARGEST_SEED, MODEL, Answers, Device, Model, Output, Revision


def train_drafter(
    name: Annotated[str, typer.Argument(help="Whose drafter; `offbook ls` marks those that are trained.")],
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
    epochs: Annotated[int | None, typer.Option("--epochs", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", "--batch_size", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", "--learning_rate")] = None,
    draft_vocab_size: Annotated[int | None, typer.Option("--draft-vocab-size", "--draft_vocab_size", min=1)] = None,
    max_length: Annotated[int | None, typer.Option("--max-length", "--max_length", min=8)] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, max=LARGEST_SEED)] = None,
    device: Device = "auto",
    revision: Revision = None,
) -> None:
    """Train a drafter.

    It learns from the target's own answers; after an interruption the same command goes on.
    """
    from offbook.harness.artifacts.train_drafter import train
    from offbook.harness.settings.drafters import DrafterTrainingSpec
    from offbook.harness.settings.parse import parse

    settings = {
        "answers": limit,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "draft_vocab_size": draft_vocab_size,
        "max_length": max_length,
        "seed": seed,
    }
    spec = parse(DrafterTrainingSpec, {k: v for k, v in settings.items() if v is not None}, source="command line")
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
