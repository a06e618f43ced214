"""`--json` of every command that prints a table: one JSON object on standard output, and nothing else there."""

import json
from typing import Annotated, Any

import typer

from offbook.harness.cli.console import write_out

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else on standard output.")]


def print_json(**sections: Any) -> None:
    """Prints an object of these sections; numbers have every digit, what is not known is null.

    Raises:
        OSError: standard output cannot be written.
    """
    write_out(json.dumps(sections, indent=1, allow_nan=False) + "\n")
