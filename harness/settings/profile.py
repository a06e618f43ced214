"""YAML configuration files, read strictly: safe types only, no duplicates, no aliases, nothing unknown.

YAML 1.1 as PyYAML reads it takes `1e-4` for a string, `no` for False, `010` for 8 and keeps the last of two equal
keys. Here scalars follow YAML 1.2, anything doubtful is refused, and every complaint is one line that names the file,
the key, what was expected and what came.
"""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, JsonValue, ValidationError, model_validator

from offbook.engine.complaints import complaint
from offbook.engine.quoting import quoted
from offbook.engine.text import read_text
from offbook.harness.settings.strict import Model, Name, Names, Strict, Version, validated
from offbook.harness.settings.students import StudentsSpec

MAX_BYTES = 64_000  # a second of parsing
MAX_DEPTH = 50


class TrainingSpec(Strict):
    """How a profile trains its drafters; what is left out keeps the default of `TrainingConfig`.

    `answers` limits how many of the target's answers are used, counted in equal shares over the categories.
    """

    answers: int | None = Field(default=None, ge=2)
    epochs: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    warmup_steps: int | None = Field(default=None, ge=0)
    draft_vocab_size: int | None = Field(default=None, ge=1)
    max_length: int | None = Field(default=None, ge=8)
    seed: int | None = Field(default=None, ge=0)


class HeatsSpec(Strict):
    """One pass over all suites: its temperature and how many documents of each suite (None: all)."""

    temperature: float = Field(default=0.0, ge=0)
    limit: int | None = Field(default=None, ge=1)


class Profile(Strict):
    """What `offbook reproduce` runs: decoders in heats, students in exams, or both.

    `suites` gives the cap on new tokens by suite of the heats; `options` overrides a decoder's settings by its name.
    """

    schema_version: Version
    description: str
    model: Name
    dtype: Name = "float32"
    seed: int = Field(default=0, ge=0)
    decoders: Names = ()
    options: dict[Name, dict[str, JsonValue]] = Field(default={})
    training: TrainingSpec = TrainingSpec()
    suites: dict[Name, Annotated[int, Field(ge=1)]] = Field(default={}, min_length=1)
    heats: tuple[HeatsSpec, ...] = Field(default=(), min_length=1)
    students: StudentsSpec | None = None

    @model_validator(mode="after")
    def _has_work(self) -> Self:
        parts = {"decoders": self.decoders, "suites": self.suites, "heats": self.heats}
        missing = [name for name, part in parts.items() if not part]
        if missing and (len(missing) < len(parts) or self.students is None):
            msg = f"expected decoders, suites and heats together, or students, got no {missing[0]}; add them"
            raise ValueError(msg)
        cross = self.students.cross if self.students else None
        if cross and (shared := sorted(set(cross.suites) & set(self.suites))):
            msg = f"cross: expected suites that no other heat takes, got {quoted(shared[0])} in both; choose another"
            raise ValueError(msg)
        return self


class EvaluateSpec(Strict):
    """What `offbook evaluate --config` may set; a flag on the command line wins over the file."""

    model: Name | None = None
    revision: Name | None = None
    dtype: Name | None = None
    device: Name | None = None
    tasks: Name | Names | None = None
    decoders: Names | None = None
    options: dict[Name, dict[str, JsonValue]] = Field(default={})
    drafter: dict[Name, Name] = Field(default={})
    temperature: float | None = Field(default=None, ge=0)
    top_k: int | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=0)
    limit: int | None = Field(default=None, ge=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    apply_chat_template: bool | None = None
    output: Name | None = None


def load_config(path: Path, model: type[Model]) -> Model:
    """A YAML file as a model.

    Raises:
        ValueError: anything that is not plain, finite, unambiguous YAML of exactly this shape.
    """
    return parse(model, load_yaml(path), source=str(path))


def parse(model: type[Model], data: Any, *, source: str) -> Model:
    """Data as a model; the first complaint in one line.

    Raises:
        ValueError: unknown keys, missing keys, wrong types.
    """
    try:
        return validated(model, data)
    except ValidationError as error:
        found = complaint(error, data)
        known = sorted(model.model_fields)
        keys = f"known keys are {', '.join(known)}" if known else "there is nothing to set"
        msg = f"{source}: {found.told('the whole')}{f'; {keys}' if found.unknown_key else ''}"
        raise ValueError(msg) from None


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
