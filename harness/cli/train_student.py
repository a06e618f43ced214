"""`offbook train-student`: a student, trained on a corpus of rationales."""

from typing import Annotated, Any, Literal

import typer

from offbook.engine.progress import progress as bar
from offbook.engine.students.config import StudentConfig
from offbook.harness.cli.completing import methods
from offbook.harness.cli.console import quiet, resumable
from offbook.harness.cli.derived import SetSettings, with_options
from offbook.harness.cli.options import LARGEST_SEED, MODEL, Config, Output, Revision
from offbook.harness.settings.bounds import EXAM_TOKENS
from offbook.harness.settings.corpus import CorpusSettings

COMMON = (
    *("gradient_tokens", "questions_per_step", "tokens_per_step", "learning_rate", "lora_rank", "mixed_precision"),
    *("evaluations", "averaging", "replay", "max_length"),
)


@with_options(CorpusSettings, ("questions", "dev_questions", "perspectives"), into="corpus")
@with_options(StudentConfig, COMMON, into="training")
def train_student(
    *,
    method: Annotated[
        str | None, typer.Argument(autocompletion=methods, help="How it learns; see `offbook ls`.")
    ] = None,
    config: Config = None,
    model: Annotated[str | None, typer.Option("--model", help=f"Alias, folder or id; by default {MODEL}.")] = None,
    revision: Revision = None,
    source: Annotated[
        str | None, typer.Option("--corpus", help="A corpus in JSON Lines; by default the procedural one.")
    ] = None,
    corpus_format: Annotated[
        Literal["corpus", "rationale_rows"] | None,
        typer.Option("--corpus-format", "--corpus_format", help="Form of a corpus file; by default corpus."),
    ] = None,
    corpus: dict[str, Any],
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="A setting of the method; repeatable.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="Text encoder, for methods that read vectors.")
    ] = None,
    training: dict[str, Any],
    max_new_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-new-tokens", "--max_new_tokens", min=1, help=f"Of a development answer; by default {EXAM_TOKENS}."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Of the training.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.")] = None,
    processes: Annotated[int | None, typer.Option("--processes", min=1, help="Through accelerate.")] = None,
    output: Output = None,
    settings: SetSettings = None,
) -> None:
    """Train a student.

    It learns from a rationale corpus; after an interruption the same command goes on.
    """
    from offbook.harness.artifacts.train_student import merge
    from offbook.harness.artifacts.train_student import train_student as train
    from offbook.harness.cli.flags import parse_named
    from offbook.harness.settings.overrides import overridden
    from offbook.harness.settings.strict_yaml import load_yaml

    flags = {
        "method": method,
        "model": model,
        "revision": revision,
        "corpus": {"source": source, "format": corpus_format, **corpus},
        "options": parse_named(option or []),
        "training": training,
        "encoder": encoder,
        "max_new_tokens": max_new_tokens,
        "seed": seed,
        "device": device,
        "processes": processes,
        "output": None if output is None else str(output),
    }
    spec = merge(overridden(load_yaml(config) if config else {}, settings or []), flags)
    quiet()
    with bar() as progress, resumable():
        folder = train(spec, progress)
    typer.echo(str(folder))
