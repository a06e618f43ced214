"""Settings over those of a file: `training.gradient_tokens=30000`, the value as YAML, checked as the file's own are."""

from collections.abc import Sequence
from typing import Any

from offbook.engine.quoting import quoted, shortened
from offbook.harness.settings.strict_yaml import parse_yaml


def overridden(content: Any, settings: Sequence[str]) -> Any:
    """A file's content with settings in the place of its own, or beside them.

    A path goes by dots; a name that has dots itself is taken whole where the file has it.

    Raises:
        ValueError: another shape, or a path that leads into something that is no table of settings.
    """
    for setting in settings:
        path, equals, value = setting.partition("=")
        keys = path.split(".")
        if not equals or not all(keys):
            msg = f"{quoted(setting)}: expected NAME=VALUE, such as training.gradient_tokens=30000"
            raise ValueError(msg)
        content = _with(content, keys, parse_yaml(value, source=shortened(path)), shortened(path))
    return content


def _with(content: Any, keys: Sequence[str], value: Any, path: str) -> Any:
    if not keys:
        return value
    if content is None:
        content = {}
    if isinstance(content, list):
        if not (keys[0].isdecimal() and int(keys[0]) < len(content)):
            msg = f"{path}: expected the place of one of {len(content)} entries, from 0, got {quoted(keys[0])}"
            raise ValueError(msg)
        place = int(keys[0])
        return [*content[:place], _with(content[place], keys[1:], value, path), *content[place + 1 :]]
    if not isinstance(content, dict):
        msg = f"{path}: expected settings by name before {quoted(keys[0])}, got {quoted(content)}; check the path"
        raise ValueError(msg)
    length = next((n for n in range(len(keys), 0, -1) if ".".join(keys[:n]) in content), 1)
    name = ".".join(keys[:length])
    return {**content, name: _with(content.get(name), keys[length:], value, path)}
