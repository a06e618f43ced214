"""Who is meant on the command line: a decoder by name, by its trained drafter's folder, or a Contender in a module."""

import importlib
import sys
from pathlib import Path

from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted, quoted_path
from offbook.engine.text import read_json
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import contender, contenders
from offbook.harness.roster.drafter_info import CONFIG

EMBEDDED = "smollm2-135m-instruct"


def asked_for(what: str, drafter: Path | None = None) -> tuple[Contender, Path | None, str]:
    """The contender, the folder of its drafter, and the model that this was trained for (else the embedded one).

    Args:
        what: a name of the roster, a folder, or MODULE:NAME.
        drafter: the folder of its drafter, where `what` is none.

    Raises:
        ValueError: none of these, or a drafter beside a drafter.
    """
    if what in contenders():
        return contender(what), drafter, EMBEDDED if drafter is None else _made_for(drafter)[1]
    folder = user_path(what, what="what to certify")
    if folder.is_dir():
        if drafter is not None:
            msg = f"{quoted_path(what)}: expected one drafter, got {quoted_path(str(drafter))} too; leave one out"
            raise ValueError(msg)
        name, model = _made_for(folder)
        return contender(name), folder, model
    module, colon, attribute = what.partition(":")
    if colon and module and attribute:
        return _imported(module, attribute), drafter, EMBEDDED if drafter is None else _made_for(drafter)[1]
    return contender(what), drafter, EMBEDDED  # which says what there is


def _made_for(folder: Path) -> tuple[str, str]:
    """Whose drafter lies in a folder, and the model that it was trained for: by name, or the student around it."""
    config = read_json(folder / CONFIG, what="a drafter's config", remedy="train it anew")
    try:
        name, model = str(config["architecture"]), str(config["target"]["name"])
        return name, str(folder.resolve().parent) if (config.get("training") or {}).get("trained_with") else model
    except (AttributeError, KeyError, TypeError) as error:
        msg = f"{quoted_path(str(folder))}: expected a drafter's config, which names its target; train it anew"
        raise ValueError(msg) from error


def _imported(module: str, attribute: str) -> Contender:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as an entry point of a distribution that is not installed yet
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # somebody else's module raises what it likes
        told = " ".join(str(error).split())
        msg = f"{quoted(f'{module}:{attribute}')}: expected it to load, got {type(error).__name__}: {told}; mend it"
        raise ValueError(msg) from error
    if not isinstance(found, Contender):
        name = quoted(f"{module}:{attribute}")
        msg = f"{name}: expected a Contender, got {type(found).__name__}; see docs/your-decoder.md"
        raise ValueError(msg)
    return found
