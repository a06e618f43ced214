"""`offbook generate`: one prompt, answered while it is decoded."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.engine.decoding.layouts.names import LayoutName
from offbook.engine.encoding import check_text
from offbook.harness.cli.completing import decoders
from offbook.harness.cli.console import quiet, standard_input, write_out
from offbook.harness.cli.options import (
    MODEL,
    Device,
    DType,
    Model,
    OptionSettings,
    Revision,
    Seed,
    Temperature,
    TopK,
    TopP,
    TuningFile,
    path_or_none,
)


def generate(
    prompt: Annotated[str, typer.Argument(help="What to say to the model; - reads standard input.")],
    model: Model = MODEL,
    decoder: Annotated[
        str, typer.Option("--decoder", autocompletion=decoders, help="Who decodes; see `offbook ls`.")
    ] = "autoregressive",
    drafter: Annotated[
        Path | None, typer.Option("--drafter", callback=path_or_none, help="Folder of the decoder's trained drafter.")
    ] = None,
    option: OptionSettings = None,
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", "--max_new_tokens", min=1, help="Of the answer, at most.")
    ] = 128,
    temperature: Temperature = 0.0,
    top_k: TopK = 0,
    top_p: TopP = 1.0,
    seed: Seed = 0,
    chat_template: Annotated[
        bool | None, typer.Option("--apply-chat-template/--no-chat-template", help="By default where there is one.")
    ] = None,
    dtype: DType = "float32",
    device: Device = "auto",
    revision: Revision = None,
    layout: Annotated[LayoutName | None, typer.Option("--layout", help="Form of the weights in memory.")] = None,
    tuning: TuningFile = None,
) -> None:
    """Answer one prompt, streaming.

    The text appears as it is committed; speed and acceptance follow on standard error.
    """
    from offbook.engine.decoding.sampling import Sampling
    from offbook.harness.cli.flags import parse_options
    from offbook.harness.cli.stream import account
    from offbook.harness.cli.stream import generate as answer
    from offbook.harness.roster.arms import build_arms
    from offbook.harness.roster.decoders import contender
    from offbook.harness.roster.target import load_target
    from offbook.harness.roster.tuning import read_tuning

    contender(decoder)
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    text = standard_input() if prompt == "-" else prompt
    check_text(text, "the prompt")
    options = parse_options([o if o.startswith(f"{decoder}.") else f"{decoder}.{o}" for o in option or []])
    quiet()
    tuned = None if tuning is None else read_tuning(tuning)
    wanted = layout or ("auto" if tuned is None else tuned.layout)
    target = load_target(model, dtype=dtype, device=device, revision=revision, layout=wanted)
    if tuned is not None and (elsewhere := tuned.elsewhere()):
        typer.echo(elsewhere, err=True)
    folders = {} if drafter is None else {decoder: drafter}
    (arm,) = build_arms(
        target, [decoder], options=options, drafter_folders=folders, tuning=tuned, temperature=temperature
    )
    generation = answer(
        target,
        arm,
        text,
        sampling=sampling,
        max_new_tokens=max_new_tokens,
        seed=seed,
        chat_template=target.has_chat_template if chat_template is None else chat_template,
        write=write_out,
    )
    typer.echo()
    typer.echo(f"{decoder}{' (lossy)' * arm.lossy}: {account(generation)}", err=True)
