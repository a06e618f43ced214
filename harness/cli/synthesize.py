"""`offbook synthesize`: a corpus of rationales."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from offbook.engine.progress import progress as bar
from offbook.harness.cli.console import quiet, resumable, writable_folder
from offbook.harness.cli.options import Device, DType, Seed, new_file, path_or_none


def synthesize(
    output: Annotated[
        Path,
        typer.Option("--output", "--output-path", "--output_path", callback=new_file, help="The corpus, JSON Lines."),
    ],
    teacher: Annotated[
        Literal["procedural", "transformers", "openai"],
        typer.Option("--teacher", help="Rules; a model run here; a model behind an OpenAI-compatible server."),
    ] = "procedural",
    teacher_model: Annotated[
        str | None,
        typer.Option("--teacher-model", "--teacher_model", help="Alias, folder or id; or its name on the server."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", "--base_url", help="Of the server; the key is OPENAI_API_KEY.")
    ] = None,
    judge_model: Annotated[
        str | None, typer.Option("--judge-model", "--judge_model", help="Reads what arrives at the gold answer.")
    ] = None,
    student: Annotated[
        str | None, typer.Option("--student", help="Measure difficulty with this model; off by default.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions", callback=path_or_none, help="JSON Lines with id, question, answer; by default procedural."
        ),
    ] = None,
    per_family: Annotated[
        int, typer.Option("--per-family", "--per_family", min=1, help="Procedural questions of each family.")
    ] = 160,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Questions, from the first.")] = None,
    attempts: Annotated[int, typer.Option("--attempts", min=1, help="In all, for a rationale that is rejected.")] = 4,
    target_size: Annotated[
        int, typer.Option("--target-size", "--target_size", min=1, help="Questions to keep; hard ones stay beyond it.")
    ] = 497,
    samples: Annotated[int, typer.Option("--samples", min=8, help="Of the student, for pass@8.")] = 8,
    seed: Seed = 0,
    temperature: Annotated[float, typer.Option("--temperature", min=0, help="Of the teacher.")] = 0.7,
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", "--max_new_tokens", min=1, help="Of a rationale, at most.")
    ] = 512,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Requests to the server at once.")] = 8,
    batch_size: Annotated[
        int, typer.Option("--batch-size", "--batch_size", min=1, help="Requests to a model run here at once.")
    ] = 16,
    licence: Annotated[
        str, typer.Option("--licence", help="Of what the model writes; recorded with each rationale.")
    ] = "unstated",
    device: Device = "auto",
    dtype: DType = "float32",
) -> None:
    """Make a rationale corpus.

    A teacher explains questions from eight perspectives; after an interruption the same command goes on.
    """
    from offbook.harness.artifacts.synthesize import SynthesisSpec
    from offbook.harness.artifacts.synthesize import synthesize as run

    writable_folder(output.parent)
    spec = SynthesisSpec(
        teacher=teacher,
        output=output,
        teacher_model=teacher_model,
        judge_model=judge_model,
        student=student,
        base_url=base_url,
        questions=questions,
        per_family=per_family,
        limit=limit,
        attempts=attempts,
        target_size=target_size,
        samples=samples,
        seed=seed,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        workers=workers,
        batch_size=batch_size,
        licence=licence,
        device=device,
        dtype=dtype,
    )
    quiet()
    with bar() as progress, resumable():
        run(spec, progress)
    typer.echo(str(output))
