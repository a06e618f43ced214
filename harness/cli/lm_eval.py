"""`offbook lm-eval`: lm-eval's own command line, with offbook's model and tasks."""

import typer


def lm_eval(context: typer.Context) -> None:
    """Run lm-eval with offbook's model and tasks.

    Everything else is lm-eval's own command line.
    """
    from offbook.harness.interchange.lm_eval_cli import run

    run(context.args)
