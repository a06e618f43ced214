"""`offbook evaluate`: decoders compared on suites."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import quiet, resumable, store_folder, terminal
from offbook.harness.cli.options import (
    LARGEST_SEED,
    MODEL,
    Config,
    DrafterFolders,
    IncludePath,
    OptionSettings,
    Revision,
)


def evaluate(
    config: Config = None,
    model: Annotated[str | None, typer.Option("--model", help=f"Alias, folder or id; by default {MODEL}.")] = None,
    tasks: Annotated[str | None, typer.Option("--tasks", "--suite", help="Suites, comma-separated.")] = None,
    decoders: Annotated[str | None, typer.Option("--decoders", help="Comma-separated; see `offbook ls`.")] = None,
    drafter: DrafterFolders = None,
    option: OptionSettings = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="0 is greedy.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", "--top_k")] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", "--top_p")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, max=LARGEST_SEED)] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Documents of each suite, from the first.")
    ] = None,
    max_new_tokens: Annotated[int | None, typer.Option("--max-new-tokens", "--max_new_tokens", min=1)] = None,
    chat_template: Annotated[bool | None, typer.Option("--apply-chat-template/--no-chat-template")] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="By default float32.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")] = None,
    revision: Revision = None,
    output: Annotated[str | None, typer.Option("--output", "--output-path", "--output_path")] = None,
    include_path: IncludePath = None,
) -> None:
    """Compare decoders on suites.

    One heat a suite: every decoder on every document, interleaved, scored by lm-eval.
    """
    from offbook.harness.roster.decoders import contender
    from offbook.harness.settings.evaluate import EvaluateSpec
    from offbook.harness.settings.parse import load_config

    file = load_config(config, EvaluateSpec) if config else EvaluateSpec()
    from offbook.harness.artifacts.folders import new_folder
    from offbook.harness.cli.flags import parse_drafters, parse_options
    from offbook.harness.matrix.evaluate import evaluate as run
    from offbook.harness.matrix.evaluate import merge
    from offbook.harness.tables.report import report as show

    flags = {
        "model": model,
        "tasks": tasks,
        "decoders": None if decoders is None else [name.strip() for name in decoders.split(",")],
        "drafter": parse_drafters(drafter or []),
        "options": parse_options(option or []),
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
        "limit": limit,
        "max_new_tokens": max_new_tokens,
        "apply_chat_template": chat_template,
        "dtype": dtype,
        "device": device,
        "revision": revision,
        "output": output,
    }
    spec = merge(file, flags)
    for name in spec.decoders or ():
        contender(name)
    folder = store_folder(Path(spec.output)) if spec.output else new_folder("evaluate")
    spec = spec.model_copy(update={"output": str(folder)})
    quiet()
    with resumable(folder):
        with bar() as progress:
            done = run(spec, progress, include_path=include_path)
        show(done.folder, console=terminal())
    typer.echo(f"records and leaderboard in {done.folder}", err=True)
    raise typer.Exit(0 if done.lossless else 1)
