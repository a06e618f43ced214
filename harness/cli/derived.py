"""Options of a command from the settings that it takes: type, bounds and help stand where the setting stands."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer

from offbook.engine.docstrings import attributes
from offbook.harness.cli.options import LARGEST_SEED

Result = TypeVar("Result")
SetSettings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any setting that a file may hold, by its path; repeatable."),
]


def with_options(
    kind: type, names: Sequence[str], *, into: str
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Gives a command an option for each named setting of a dataclass.

    Args:
        kind: the dataclass; its docstring describes each field under "Attributes:".
        names: of its fields.
        into: the command's parameter that takes them, as a dictionary of what was given, by the fields' names. The
            options stand where it stands.
    """
    parameters = {name: _parameter(kind, name) for name in names}

    def decorate(command: Callable[..., Result]) -> Callable[..., Result]:
        signature = inspect.signature(command, eval_str=True)

        @functools.wraps(command)
        def run(**given: Any) -> Result:
            settings = {name: given.pop(parameters[name].name) for name in parameters}
            return command(**given, **{into: {name: value for name, value in settings.items() if value is not None}})

        found: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            found += parameters.values() if parameter.name == into else [parameter]
        run.__signature__ = signature.replace(parameters=found)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in found}
        return run

    return decorate


def _parameter(kind: type, name: str) -> inspect.Parameter:
    plain, bounds = _type_of(get_type_hints(kind, include_extras=True)[name])
    option = "--" + name.replace("_", "-")
    least = next((bound.ge for bound in bounds if hasattr(bound, "ge")), None)
    most = next((bound.le for bound in bounds if hasattr(bound, "le")), LARGEST_SEED if name == "seed" else None)
    settings: dict[str, Any] = {"min": least, "max": most} if plain in (int, float) else {}
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            plain | None,
            typer.Option(*dict.fromkeys([option, f"--{name}"]), help=_sentence(attributes(kind)[name]), **settings),
        ],
    )


def _type_of(kind: Any) -> tuple[Any, list[Any]]:
    """A hint's type without None, and its bounds."""
    bounds: list[Any] = []
    while True:
        inner = [part for part in get_args(kind) if part is not type(None)]
        if get_origin(kind) is Annotated:
            bounds += get_args(kind)[1:]
            kind = get_args(kind)[0]
        elif get_origin(kind) is not None and get_origin(kind) is not Literal and len(inner) == 1:
            kind = inner[0]
        else:
            return kind, bounds


def _sentence(text: str) -> str:
    """The first clause of what a docstring says, as help."""
    first = text.split("; ")[0].split(", so that")[0].split(". ")[0].rstrip(".")
    return f"{first[:1].upper()}{first[1:]}." if first else ""
