"""The command line, `offbook`. What a command needs is imported when it runs, so that `--help` answers at once.

How a command ends is told in `exits.py`.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import typer

from offbook.engine.children import safe_children
from offbook.engine.encoding import check_text
from offbook.engine.threads import settle_threads
from offbook.harness.cli import (
    analyse_latent,
    certify,
    compare,
    evaluate,
    export,
    gc,
    generate,
    import_drafter,
    lm_eval,
    ls,
    push,
    report,
    reproduce,
    rescore,
    synthesize,
    train_drafter,
    train_student,
    tune,
    upgrade,
    verify,
)
from offbook.harness.cli.app import app
from offbook.harness.cli.examples import epilog
from offbook.harness.cli.exits import MISTAKE, ended
from offbook.harness.cli.run import run as run_matrix
from offbook.harness.cli.show_record import show_record
from offbook.harness.cli.status import status
from offbook.harness.cli.strict_command import StrictCommand

COMMANDS: dict[str, Callable[..., None]] = {  # in the order in which help tells them
    "generate": generate.generate,
    "evaluate": evaluate.evaluate,
    "train-drafter": train_drafter.train_drafter,
    "import-drafter": import_drafter.import_drafter,
    "train-student": train_student.train_student,
    "tune": tune.tune,
    "certify": certify.certify,
    "synthesize": synthesize.synthesize,
    "reproduce": reproduce.reproduce,
    "report": report.report,
    "rescore": rescore.rescore,
    "ls": ls.list_,
    "show": show_record,
    "compare": compare.compare,
    "analyse-latent": analyse_latent.analyse_latent,
    "run": run_matrix,
    "status": status,
    "verify": verify.verify,
    "upgrade": upgrade.upgrade,
    "gc": gc.gc,
    "export": export.export,
    "push": push.push,
}
COMPLETION = "_OFFBOOK_COMPLETE"  # by which a shell asks what may come next, without arguments
# Of commands that read their arguments themselves.
WHOLE = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

for _name, _command in COMMANDS.items():
    app.command(_name, cls=StrictCommand, epilog=epilog(_name))(_command)
app.command("lm-eval", context_settings=WHOLE)(lm_eval.lm_eval)


@app.command(context_settings=WHOLE)
def work(context: typer.Context) -> None:
    """Do one stage of a run."""
    from offbook.harness.cli.work import run

    raise typer.Exit(run(context.args))


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command line and exits."""
    settle_threads()
    given = sys.argv[1:] if arguments is None else arguments

    def run() -> object:
        for place, argument in enumerate(given, start=1):
            check_text(argument, f"argument {place}")
        if not given and not os.environ.get(COMPLETION):  # which is no command: status 2, as other tools have it
            with contextlib.redirect_stdout(sys.stderr):
                app(["--help"], prog_name="offbook", standalone_mode=False)
            return MISTAKE
        return app(given, prog_name="offbook", standalone_mode=False)

    with safe_children():
        end = ended(run, given)
    sys.exit(end)


if __name__ == "__main__":
    main()
