"""`offbook show`: one answer of a record, what was drafted in it marked, and what each round took."""

from pathlib import Path
from typing import Annotated

import typer

from offbook.harness.cli.as_json import AsJson, print_json
from offbook.harness.cli.console import quiet, write_out
from offbook.harness.cli.options import path_or_none


def show_record(
    record: Annotated[Path, typer.Argument(callback=path_or_none, help="A file of records/, of a heat's cell.")],
    document: Annotated[int, typer.Option("--document", min=0, help="Which, by its doc_id.")] = 0,
    model: Annotated[
        str | None, typer.Option("--model", help="Whose tokenizer reads the tokens; by default the record's model.")
    ] = None,
    rounds: Annotated[bool, typer.Option("--rounds", help="A line for every round, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one answer of a record.

    What was drafted and accepted stands between marks; all other tokens the target chose itself. Below, what the
    decoder did for it.
    """
    from offbook.harness.cli.marked import account_of, marked, round_lines, rounds_json
    from offbook.harness.cli.stream import account
    from offbook.harness.tables.record_file import answer_in

    spec, row = answer_in(record, document)
    quiet()
    from offbook.engine.decoding.detokenizer import Detokenizer
    from offbook.engine.pretrained import load_tokenizer

    tokenizer = load_tokenizer(model or spec.model, revision=spec.revision if model is None else None)
    generation = row.generation()
    answer = marked(generation, Detokenizer(tokenizer))
    if as_json:
        print_json(
            decoder=spec.decoder,
            suite=spec.suite,
            document=row.doc_id,
            answer=answer,
            text=row.text,
            scores=row.scores,
            finish_reason=row.finish_reason,
            rounds=rounds_json(generation),
        )
        return
    write_out(answer)
    typer.echo()
    typer.echo(f"{spec.decoder}, {spec.suite}, document {row.doc_id}: {account(generation)}", err=True)
    typer.echo(account_of(generation), err=True)
    if rounds:
        for line in round_lines(generation):
            typer.echo(line)
