"""A command whose options are read as strictly as YAML: each once, numbers as numbers, no empty path.

Python's own reading takes ``1_000`` and ``" 3 "`` for numbers and an empty text for the current folder, and the command
line's takes the last of two.
"""

import re
from pathlib import Path
from typing import Any

import typer
import typer.core

from offbook.engine.quoting import quoted

_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|inf|nan)")
_KINDS = {
    int: (_WHOLE, "a whole number in digits"),
    float: (_NUMBER, "a number in digits"),
    Path: (re.compile(r".+", re.DOTALL), "a path (. is the current folder)"),
}
_NAMES = {"integer": int, "float": float, "path": Path}  # of types, in versions of typer before 0.26


class StrictCommand(typer.core.TyperCommand):
    """See the module."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Reads the arguments as they were written, then as the library does.

        Raises:
            typer.BadParameter: something that YAML would not take either.
        """
        if ctx.resilient_parsing:  # a shell asks what might come next
            return super().parse_args(ctx, args)
        written, _, parameters = self.make_parser(ctx).parse_args(args=list(args))
        order: list[Any] = list(parameters)  # whose class is another in every version of typer
        if not written.get("help"):
            for place, parameter in enumerate(order):
                if parameter in order[:place] and not getattr(parameter, "multiple", False):
                    msg = "expected once, got twice; leave one out"
                    raise typer.BadParameter(msg, ctx=ctx, param=parameter)
            for parameter in {id(parameter): parameter for parameter in order}.values():
                self._check(parameter, written.get(parameter.name), ctx)
        return super().parse_args(ctx, args)

    def _check(self, parameter: Any, written: Any, ctx: Any) -> None:
        kind = _KINDS.get(_type_of(parameter))
        for text in written if isinstance(written, list | tuple) else [written]:
            if kind is not None and isinstance(text, str) and not kind[0].fullmatch(text):
                msg = f"expected {kind[1]}, got {quoted(text)}"
                raise typer.BadParameter(msg, ctx=ctx, param=parameter)


def _type_of(parameter: Any) -> Any:
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is not None:
        return descriptor.annotation
    return _NAMES.get(parameter.type.name.partition(" ")[0])
