"""`offbook export`: something of offbook's in the form of another tool."""

from typing import Annotated, Literal

import typer

from offbook.harness.cli.options import Output

Kind = Literal["kernel"]


def export(
    kind: Annotated[Kind, typer.Argument(help="kernel: for Hugging Face's kernel hub, in Python and Triton alone.")],
    name: Annotated[str, typer.Argument(help="An operation with Triton kernels, such as topk_logprobs.")],
    output: Output = None,
) -> None:
    """Write an operation in the form of another tool.

    The folder needs nothing of offbook, and the package `kernels` loads it; kernel-builder uploads it. Prints the
    folder, by default one under runs/. An earlier export of the operation is replaced.
    """
    from offbook.harness.artifacts.folders import RUNS
    from offbook.harness.interchange.kernel_hub import export_kernel

    folder = output or RUNS / f"{kind}-{name}"
    export_kernel(name, folder)
    typer.echo(str(folder))
