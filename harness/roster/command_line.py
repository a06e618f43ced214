"""The command line as a manifest tells it: names that everybody has, numbers, and for all else what it was.

What is known is who takes part (decoders, methods, suites, profiles, aliases) and what can be asked of them; see
`records/redaction.py` for the rule.
"""

import functools
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Literal

from pydantic import JsonValue

from offbook.engine.embedded import ALIASES
from offbook.harness.records.manifest import manifest
from offbook.harness.records.model_names import HIDDEN, existing_folder, shown_model
from offbook.harness.records.redaction import BOOLEANS, REDACTED, SECRET_NAME, own_texts, shown_url
from offbook.harness.roster.decoders import contenders
from offbook.harness.roster.distillers import distillers
from offbook.harness.settings.profiles import profile_names
from offbook.tasks.suite_names import suite_names

Kind = Literal["flag", "number", "name", "names", "model", "path", "revision", "setting", "folder of", "url", "text"]
OPTIONS: dict[str, Kind] = {
    **dict.fromkeys(
        (
            *("--apply-chat-template", "--no-chat-template", "--fresh", "--attached", "--dry-run", "--version"),
            *("--rounds", "--json"),
            *("--all", "--delete", "--help", "--plots", "--public"),
        ),
        "flag",
    ),
    **dict.fromkeys(
        (
            *("--attempts", "--averaging", "--batch-size", "--dev-questions", "--draft-vocab-size", "--epochs"),
            "--evaluations",
            *(
                "--document",
                "--gradient-tokens",
                "--learning-rate",
                "--limit",
                "--lora-rank",
                "--max-length",
                "--max-new-tokens",
            ),
            *(
                "--per-family",
                "--perspectives",
                "--processes",
                "--questions",
                "--questions-per-step",
                "--replay",
                "--samples",
                "--seed",
            ),
            *("--target-size", "--temperature", "--tokens-per-step", "--top-k", "--top-p", "--workers"),
            *("--draws", "--sequences", "--tokens"),
        ),
        "number",
    ),
    **dict.fromkeys(
        (
            *(
                "--answers",
                "--corpus-format",
                "--decoder",
                "--device",
                "--dtype",
                "--features",
                "--layout",
                "--mixed-precision",
            ),
            *("--executor", "--profile", "--sink", "--teacher"),
        ),
        "name",
    ),
    **dict.fromkeys(("--decoders", "--suite", "--tasks"), "names"),
    **dict.fromkeys(("--base", "--encoder", "--judge-model", "--model", "--teacher-model"), "model"),
    **dict.fromkeys(
        (
            *("--certificate", "--config", "--corpus", "--include-path", "--mirror", "--output", "--output-path"),
            *("--prompts", "--readme", "--records", "--store", "--tuning"),
        ),
        "path",
    ),
    **dict.fromkeys(("--drafter", "--student"), "folder of"),
    "--base-url": "url",
    "--ray-address": "url",
    "--licence": "text",
    "--organisation": "text",
    "--option": "setting",
    "--set": "setting",
    "--slurm": "setting",
    "--revision": "revision",
}
COMMANDS = (
    *("generate", "evaluate", "train-drafter", "train-student", "synthesize", "reproduce", "report", "ls", "lm-eval"),
    *("analyse-latent", "rescore", "run", "show", "status", "tune", "certify", "work", "verify", "upgrade", "gc"),
    *("import-drafter", "export", "push", "compare"),
)
PROGRAMS = ("offbook", "cli.py", "__main__.py", "lm_eval", "lm-eval", "pytest")
CHOICES = (
    *("shipped", "regenerate", "cached", "online", "auto", "cpu", "cuda", "no", "bf16", "procedural", "transformers"),
    *(
        "in-process",
        "local",
        "ray",
        "slurm",
        "trackio",
        "wandb",
        "mlflow",
        "openai",
        "offbook",
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "main",
    ),
)
NUMBER = re.compile(r"[-+]?(?:[0-9]{1,19}(?:\.[0-9]{0,19})?|\.[0-9]{1,19})(?:[eE][-+]?[0-9]{1,3})?")
COMMIT = re.compile(r"[0-9a-f]{40}")


def process_manifest(
    argv: Sequence[str] | None = None, *, environ: Mapping[str, str] | None = None
) -> dict[str, JsonValue]:
    """The manifest of this process; `argv` and `environ` default to the process's own."""
    return manifest(
        shown_arguments(sys.argv if argv is None else argv), environ=os.environ if environ is None else environ
    )


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
    return {f"{prefix}{field}": own_texts(kind, field) for prefix, kind in kinds for field in kind.model_fields}
