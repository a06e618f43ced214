"""What may leave the machine: an allow-list. A record says what was asked, and neither who asked nor with which key.

Shown are names that everybody has (commands, options, decoders, methods, suites, profiles, aliases), numbers, commits,
and hub ids under which a model was found (`model_names.py`). All else is replaced by what it was: a path, a name, a
value. No part of a path is kept, for folders and files are called after people and projects; a model's row is named by
its folder's last part because that is how its owner called it, and by nothing above.

Settings determine results, so a text among them that is not known is told by its hash: another text is another hash.
"""

import functools
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, JsonValue

from offbook.engine.embedded import ALIASES
from offbook.harness.distillers import distillers
from offbook.harness.listing import suite_names
from offbook.harness.model_names import HIDDEN, existing_folder, shown_model
from offbook.harness.profiles import profile_names
from offbook.harness.roster import contenders

Kind = Literal["flag", "number", "name", "names", "model", "path", "revision", "setting", "folder of", "url", "text"]
OPTIONS: dict[str, Kind] = {
    **dict.fromkeys(("--apply-chat-template", "--no-chat-template", "--fresh", "--version", "--help"), "flag"),
    **dict.fromkeys(
        (
            *("--attempts", "--batch-size", "--dev-questions", "--draft-vocab-size", "--epochs", "--evaluations"),
            *("--gradient-tokens", "--learning-rate", "--limit", "--lora-rank", "--max-length", "--max-new-tokens"),
            *("--per-family", "--processes", "--questions", "--questions-per-step", "--samples", "--seed"),
            *("--target-size", "--temperature", "--tokens-per-step", "--top-k", "--top-p", "--workers"),
        ),
        "number",
    ),
    **dict.fromkeys(
        (
            *("--answers", "--corpus-format", "--decoder", "--device", "--dtype", "--features", "--mixed-precision"),
            *("--profile", "--teacher"),
        ),
        "name",
    ),
    **dict.fromkeys(("--decoders", "--suite", "--tasks"), "names"),
    **dict.fromkeys(("--base", "--encoder", "--judge-model", "--model", "--teacher-model"), "model"),
    **dict.fromkeys(
        ("--config", "--corpus", "--include-path", "--output", "--output-path", "--prompts", "--readme"), "path"
    ),
    **dict.fromkeys(("--drafter", "--student"), "folder of"),
    "--base-url": "url",
    "--licence": "text",
    "--option": "setting",
    "--revision": "revision",
}
COMMANDS = (
    *("generate", "evaluate", "train-drafter", "train-student", "synthesize", "reproduce", "report", "ls", "lm-eval"),
    *("analyse-latent", "rescore"),
)
PROGRAMS = ("offbook", "cli.py", "lm_eval", "lm-eval", "pytest")
CHOICES = (
    *("shipped", "regenerate", "cached", "online", "auto", "cpu", "cuda", "no", "bf16", "procedural", "transformers"),
    *("openai", "offbook", "float16", "bfloat16", "float32", "float64", "main"),
)
NUMBER = re.compile(r"[-+]?(?:[0-9]{1,19}(?:\.[0-9]{0,19})?|\.[0-9]{1,19})(?:[eE][-+]?[0-9]{1,3})?")
BOOLEANS = ("true", "false")
COMMIT = re.compile(r"[0-9a-f]{40}")
SECRET_NAME = re.compile(r"token$|key|secret|passw|credential|auth|cookie|bearer|private", re.IGNORECASE)
PUBLIC_HOSTS = ("api.openai.com", "huggingface.co")
# Values of the environment variables that a manifest names; numbers and truth values may stand in all of them.
WORDS = frozenset(
    (
        *("active", "passive", "hybrid", "random", "default", "avx", "avx2", "avx512", "avx512_bf16"),
        *("avx512_core", "avx512_core_bf16", "avx512_core_amx", "avx512_core_vnni", "avx512_core_fp16"),
        *("avx512_core_amx_fp16", "avx2_vnni", "avx2_vnni_2", "sse41", "isa", "all", "granularity", "fine"),
        *("core", "compact", "scatter", "balanced", "disabled", "none", "verbose", "noverbose", "warnings"),
        *("strict", "bf16", "f16", "tf32", "any"),
        *("nowarnings", "respect", "norespect", "thread", "tile", "threads", "cores", "sockets", "master"),
        *("primary", "close", "spread", "infinite", "infinity", "intel", "gnu", "sequential", "tbb"),
    )
)
REDACTED = "[redacted]"


def shown_arguments(argv: Sequence[str]) -> list[str]:
    """A command line as records tell it: as many arguments, each of them known or replaced."""
    shown, kind = [], None
    for place, argument in enumerate(argv):
        if place == 0:
            name = PurePosixPath(PureWindowsPath(argument).as_posix()).name
            shown.append(name if name in PROGRAMS else "[program]")
        elif kind is not None:
            shown.append(_value(kind, argument))
            kind = None
        elif argument.startswith("--"):
            option, equals, value = argument.partition("=")
            of = OPTIONS.get(option.replace("_", "-"))
            name = "[option]" if of is None else option
            shown.append(f"{name}={REDACTED if of is None else _value(of, value)}" if equals else name)
            kind = None if equals or of in (None, "flag") else of
        else:
            shown.append(argument if argument in ("-h", "-") or argument in _names() else REDACTED)
    return shown


def shown_environment(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, JsonValue]:
    """Of these variables those that are set, with values of known words and small numbers, or else none."""

    def is_known(value: str) -> bool:
        words = re.split(r"[,=:;+ ]", value.strip().lower())
        return all(
            not word or word in WORDS or word in BOOLEANS or re.fullmatch(r"-?[0-9]{1,9}", word) for word in words
        )

    return {name: environ[name] if is_known(environ[name]) else REDACTED for name in names if name in environ}


def shown_url(url: str) -> str:
    """Scheme and host of a public service; of another server nothing."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    return f"https://{host}" if host in PUBLIC_HOSTS else "[url]"


def shown_settings(
    settings: Mapping[str, Any],
    kind: type[BaseModel],
    *,
    models: Sequence[str] = (),
    known: Collection[str] = (),
) -> dict[str, Any]:
    """A method's settings as records and keys tell them.

    Args:
        settings: by name, as JSON.
        kind: their class; texts that are among a field's literals or its default are known.
        models: settings that name a model: `shown_model` of them.
        known: further texts, such as a corpus's perspectives.
    """

    def show(name: str, value: Any, texts: Collection[str]) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return REDACTED if SECRET_NAME.search(name) and not isinstance(value, bool | None) else value
        if isinstance(value, Mapping):
            return {_text(str(key), texts): show(str(key), item, texts) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [show(name, item, texts) for item in value]
        if name in models:
            return shown_model(str(value))
        return REDACTED if SECRET_NAME.search(name) and str(value) not in texts else _text(str(value), texts)

    return {name: show(name, value, {*known, *_own_texts(kind, name)}) for name, value in settings.items()}


def _text(text: str, known: Collection[str]) -> str:
    return text if text in known else f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"


def _own_texts(kind: type[BaseModel], name: str) -> set[str]:
    """The texts that a settings class itself names for a field: its literals, enumerations and default."""
    field = kind.model_fields.get(name)
    if field is None:
        return set()
    texts, waiting = set(), [field.annotation]
    while waiting:
        annotation = waiting.pop()
        if get_origin(annotation) is Literal:
            texts |= {item for item in get_args(annotation) if isinstance(item, str)}
        elif isinstance(annotation, type) and issubclass(annotation, Enum):
            texts |= {str(item.value) for item in annotation}
        else:
            waiting += get_args(annotation)
    default = json.dumps(field.get_default(call_default_factory=False), default=str)
    return texts | set(re.findall(r'"((?:[^"\\]|\\.)*)"', default))


def _value(kind: Kind, value: str) -> str:
    names = _names()
    match kind:
        case "number":
            return value if NUMBER.fullmatch(value) else "[path]" if "/" in value else REDACTED
        case "name":
            return value if value in names or re.fullmatch(r"cuda:[0-9]{1,3}", value) else "[name]"
        case "names":
            return ",".join(name.strip() if name.strip() in names else "[name]" for name in value.split(","))
        case "model":
            return shown_model(value) if existing_folder(value) is None else HIDDEN
        case "revision":
            return value if value == "main" or COMMIT.fullmatch(value) else REDACTED
        case "setting":
            name, equals, of = value.partition("=")
            if not equals or name not in _settings() or SECRET_NAME.search(name):
                return REDACTED
            is_known = NUMBER.fullmatch(of) or of.lower() in BOOLEANS or of in _settings()[name]
            return f"{name}={of if is_known else REDACTED}"
        case "folder of":
            name, equals, _ = value.partition("=")
            return f"{name}=[path]" if equals and name in names else "[path]"
        case "url":
            return shown_url(value)
        case "path":
            return "[path]"
        case _:
            return REDACTED


@functools.cache
def _names() -> frozenset[str]:
    """Every name that is not the user's own."""
    own = (contenders(), distillers(), suite_names(), profile_names(), ALIASES, COMMANDS, CHOICES)
    suites = [f"offbook_{name}" for name in suite_names()]
    return frozenset(name for names in (*own, suites) for name in names)


@functools.cache
def _settings() -> dict[str, set[str]]:
    """Texts that every setting of a decoder (DECODER.NAME) or a method (NAME) may take."""
    kinds = [(f"{c.name}.", c.options) for c in contenders().values()]
    kinds += [("", m.settings()) for m in distillers().values()]
    return {f"{prefix}{field}": _own_texts(kind, field) for prefix, kind in kinds for field in kind.model_fields}
