"""What docstrings say of attributes, so that help of a command line says the same."""

import inspect
import re

ENTRY = re.compile(r"^    (\w+): ")


def attributes(kind: type) -> dict[str, str]:
    """What a class's docstring says of its attributes, by name."""
    found: dict[str, str] = {}
    name = ""
    inside = False
    for line in inspect.cleandoc(kind.__doc__ or "").splitlines():
        if line == "Attributes:":
            inside = True
        elif inside and line and not line.startswith(" "):
            inside = False
        elif inside and (entry := ENTRY.match(line)):
            name = entry[1]
            found[name] = line[entry.end() :].strip()
        elif inside and name and line.strip():
            found[name] += f" {line.strip()}"
    return found
