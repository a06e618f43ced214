"""What may leave the machine: an allow-list. A record says what was asked, and neither who asked nor with which key.

Shown are names that everybody has (commands, options, decoders, methods, suites, profiles, aliases), numbers, commits,
and hub ids under which a model was found (`model_names.py`). All else is replaced by what it was: a path, a name, a
value. No part of a path is kept, for folders and files are called after people and projects; a model's row is named by
its folder's last part because that is how its owner called it, and by nothing above.

Settings determine results, so a text among them that is not known is told by its hash: another text is another hash.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, JsonValue

from offbook.harness.records.model_names import shown_model

BOOLEANS = ("true", "false")
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

    return {name: show(name, value, {*known, *own_texts(kind, name)}) for name, value in settings.items()}


def _text(text: str, known: Collection[str]) -> str:
    return text if text in known else f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"


def own_texts(kind: type[BaseModel], name: str) -> set[str]:
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
