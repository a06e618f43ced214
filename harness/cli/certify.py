"""`offbook certify`: is it lossless? Of anybody's contender, in one paragraph."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offbook.engine.decoding.layouts.names import LayoutName
from offbook.engine.embedded import ALIASES
from offbook.engine.quoting import quoted_path
from offbook.harness.cli.as_json import AsJson
from offbook.harness.cli.completing import decoders
from offbook.harness.cli.console import quiet, write_out
from offbook.harness.cli.options import Device, DType, OptionSettings, Output, Revision, Seed, path_or_none

if TYPE_CHECKING:
    from offbook.harness.roster.target import Target


def certify(
    what: Annotated[
        str,
        typer.Argument(
            autocompletion=decoders,
            help="A decoder of `offbook ls`, a drafter's folder, a contender's package, or MODULE:NAME.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option("--model", help="By default the one a drafter was trained for, or the embedded one.")
    ] = None,
    drafter: Annotated[
        Path | None, typer.Option("--drafter", callback=path_or_none, help="Folder of the decoder's trained drafter.")
    ] = None,
    option: OptionSettings = None,
    temperature: Annotated[
        list[float] | None,
        typer.Option("--temperature", min=0, help="Repeatable; by default 1, 0.7 with top-p 0.9, 1.5 with top-k 3."),
    ] = None,
    top_k: Annotated[int, typer.Option("--top-k", "--top_k", min=0, help="At the temperatures given.")] = 0,
    top_p: Annotated[float, typer.Option("--top-p", "--top_p", help="At the temperatures given.")] = 1.0,
    prompts: Annotated[int, typer.Option("--limit", min=1, help="Development prompts that are answered.")] = 24,
    answer_tokens: Annotated[
        int, typer.Option("--max-new-tokens", "--max_new_tokens", min=2, help="Of each answer, at most.")
    ] = 64,
    tokens: Annotated[int, typer.Option("--tokens", min=1, help="To judge on the real vocabulary.")] = 10_000,
    draws: Annotated[int, typer.Option("--draws", min=1000, help="Rounds of the verifier alone.")] = 1_000_000,
    sequences: Annotated[int, typer.Option("--sequences", min=1000, help="Answers of the small model.")] = 20_000,
    seed: Seed = 0,
    output: Output = None,
    dtype: DType = "float32",
    device: Device = "auto",
    revision: Revision = None,
    layout: Annotated[LayoutName | None, typer.Option("--layout", help="By default the fastest here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Test whether a decoder keeps its target's output.

    Says what was tested, what would have been found, and the verdict; certificate.json has it in numbers. The exit
    status is 0 for a decoder that is lossless, else 1.
    """
    from offbook.engine.decoding.sampling import Sampling
    from offbook.engine.files import atomic_write_text
    from offbook.engine.progress import progress as bar
    from offbook.harness.artifacts.folders import new_folder
    from offbook.harness.certificates.contender_tests import Extent
    from offbook.harness.cli.flags import parse_options
    from offbook.harness.matrix.certify import SAMPLINGS
    from offbook.harness.matrix.certify import certify as test
    from offbook.harness.roster.asked_for import asked_for
    from offbook.harness.roster.command_line import process_manifest

    chosen, folder, made_for = asked_for(what, drafter)
    given = [Sampling(temperature=at, top_k=top_k, top_p=top_p) for at in temperature or ()]
    options = parse_options([o if o.startswith(f"{chosen.name}.") else f"{chosen.name}.{o}" for o in option or []])
    extent = Extent(
        prompts=prompts,
        answer_tokens=answer_tokens,
        draws=draws,
        sequences=sequences,
        vocabulary_tokens=tokens,
        seed=seed,
    )
    quiet()
    with bar() as progress:
        told_by = None if model else folder
        target = _loaded(model or made_for, told_by, dtype=dtype, device=device, revision=revision)
        target = target.under(layout) if layout else target.for_answers()
        report = test(
            target,
            chosen,
            progress,
            manifest=process_manifest(),
            options=options.get(chosen.name),
            drafter_folder=folder,
            samplings=[sampling for sampling in given if not sampling.greedy] if given else SAMPLINGS,
            extent=extent,
        )
    place = output or new_folder("certificate")
    place.mkdir(parents=True, exist_ok=True)
    atomic_write_text(place / "certificate.json", report.to_json())
    write_out(report.to_json() if as_json else f"{report.paragraph()}\n")
    typer.echo(f"written to {place / 'certificate.json'}", err=True)
    raise typer.Exit(0 if report.verdict == "lossless" else 1)


def _loaded(name: str, told_by: Path | None, **settings: Any) -> "Target":
    """The model; `told_by` is the drafter that alone says which, and of a model in a folder that keeps the name only.

    Raises:
        ValueError: see `load_target`.
    """
    from offbook.harness.roster.target import load_target

    try:
        return load_target(name, layout="transformers", **settings)
    except ValueError as error:
        if told_by is None or name in ALIASES or "/" in name:
            raise
        msg = f"{error}; {quoted_path(str(told_by))} was trained for it: name its folder with --model"
        raise ValueError(msg) from error
