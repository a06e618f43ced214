"""YAML configuration files, read strictly: safe types only, no duplicates, no aliases, nothing unknown.

YAML 1.1 as PyYAML reads it takes `1e-4` for a string, `no` for False, `010` for 8 and keeps the last of two equal
keys. Here scalars follow YAML 1.2, anything doubtful is refused, and every complaint is one line that names the file,
the key, what was expected and what came.
"""

import math
import re
from pathlib import Path
from typing import Any

import yaml

from offbook.engine.quoting import quoted
from offbook.engine.text import read_text

MAX_BYTES = 64_000  # a second of parsing
MAX_DEPTH = 50


def load_yaml(path: Path) -> Any:
    """A YAML file as plain data.

    Raises:
        ValueError: see the module.
    """
    if not path.is_file():
        msg = f"{path}: expected a YAML file, found none; check the path"
        raise ValueError(msg)
    return parse_yaml(read_text(path, what="a configuration", max_bytes=MAX_BYTES), source=str(path))


def parse_yaml(text: str, *, source: str) -> Any:
    """YAML text as plain data.

    Raises:
        ValueError: see the module.
    """
    try:
        _check_shape(text, source)
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        msg = f"{source}: {where}expected plain YAML, got: {problem}"
        raise ValueError(msg) from None


def _check_shape(text: str, source: str) -> None:
    """Refuses aliases and deep nesting on the event stream, before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        where = source if event.start_mark is None else f"{source}: line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            msg = f"{where}: expected plain values, got an anchor or alias; write the value out"
            raise ValueError(msg)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            msg = f"{where}: expected at most {MAX_DEPTH} levels of nesting, got more; flatten it"
            raise ValueError(msg)


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's idea of a scalar and without its silent last-key-wins."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own way; filled below)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key that is not text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {quoted(key.value)} twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        return int(self.construct_scalar(node))

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        text = self.construct_scalar(node)
        value = math.nan if text.lower().endswith(("inf", "nan")) else float(text)
        if not math.isfinite(value):
            raise yaml.constructor.ConstructorError(None, None, f"{node.value} is not finite", node.start_mark)
        return value


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]{1,18}$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)
