"""Options that several commands share. Names are lm-eval's where they mean the same, with dashes or underscores."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from offbook.engine.decoding.layouts.names import LayoutName
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted_path
from offbook.harness.cli import completing
from offbook.harness.cli.console import store_folder, writable_folder
from offbook.harness.settings.sink import SinkKind


def path_or_none(path: Path | None) -> Path | None:
    """A path as the user means it."""
    return None if path is None else user_path(path)


def folder_or_none(path: Path | None) -> Path | None:
    """A folder that is there.

    Raises:
        typer.BadParameter: it is not.
    """
    folder = path_or_none(path)
    if folder is not None and not folder.is_dir():
        msg = f"expected a folder, got {quoted_path(path)}, which is none"
        raise typer.BadParameter(msg)
    return folder


def new_file(path: Path) -> Path:
    """A file to write.

    Raises:
        typer.BadParameter: a folder has its name.
    """
    file = user_path(path, what="--output")
    if file.is_dir():
        msg = f"expected a file, got the folder {quoted_path(path)}"
        raise typer.BadParameter(msg)
    return file


MODEL = "smollm2-135m-instruct"
Model = Annotated[
    str, typer.Option("--model", autocompletion=completing.models, help="Alias, local folder, or Hugging Face id.")
]
Revision = Annotated[str | None, typer.Option("--revision", help="Branch, tag or commit of a Hugging Face id.")]
DType = Annotated[str, typer.Option("--dtype", help="float32, bfloat16, float16 or float64.")]
Layout = Annotated[LayoutName, typer.Option("--layout", help="Form of the weights in memory; see `offbook ls`.")]
TuningFile = Annotated[
    Path | None, typer.Option("--tuning", callback=path_or_none, help="A tuning.json of `offbook tune`.")
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
LARGEST_SEED = 2**63 - 1  # torch's
Seed = Annotated[int, typer.Option("--seed", min=0, max=LARGEST_SEED, help="Seed of every random number.")]
Temperature = Annotated[float, typer.Option("--temperature", help="0 is greedy.")]
TopK = Annotated[int, typer.Option("--top-k", "--top_k", help="0 keeps every token.")]
TopP = Annotated[float, typer.Option("--top-p", "--top_p", help="1 keeps every token.")]
Answers = Annotated[
    Literal["shipped", "regenerate"], typer.Option("--answers", help="The target's answers to train on.")
]
FOLDER = "A folder; by default one below runs/."
Output = Annotated[
    Path | None,
    typer.Option("--output", "--output-path", "--output_path", callback=writable_folder, help=FOLDER),
]
StoreOutput = Annotated[
    Path | None,
    typer.Option("--output", "--output-path", "--output_path", callback=store_folder, help=FOLDER),
]
Config = Annotated[
    Path | None, typer.Option("--config", callback=path_or_none, help="YAML with any of these settings.")
]
OptionSettings = Annotated[
    list[str] | None, typer.Option("--option", metavar="DECODER.NAME=VALUE", help="A decoder's setting; repeatable.")
]
DrafterFolders = Annotated[
    list[str] | None, typer.Option("--drafter", metavar="DECODER=FOLDER", help="A trained drafter; repeatable.")
]
PlanAnswers = Annotated[
    Literal["shipped", "regenerate"] | None,
    typer.Option("--answers", help="A base model's answers to train drafters on; by default as the file says."),
]
ExecutorKind = Annotated[
    Literal["auto", "in-process", "local", "ray", "slurm"],
    typer.Option("--executor", help="Where stages run; auto: in processes where there are cores or GPUs for several."),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Local processes side by side.")]
RayAddress = Annotated[
    str | None, typer.Option("--ray-address", "--ray_address", help="Of a cluster; by default one of this machine.")
]
SlurmSettings = Annotated[
    list[str] | None, typer.Option("--slurm", metavar="NAME=VALUE", help="A parameter of submitit; repeatable.")
]
SinkOption = Annotated[
    SinkKind | None,
    typer.Option("--sink", help="An experiment tracker that is told of every trial."),
]
IncludePath = Annotated[
    Path | None,
    typer.Option(
        "--include-path",
        "--include_path",
        callback=folder_or_none,
        help="A folder with more suites. It is code, and what its Python says is run: trust it first.",
    ),
]
