"""Repeatable flags of the command line that carry a name: a decoder's settings, a decoder's drafter."""

from collections.abc import Sequence
from typing import Any

from offbook.engine.quoting import quoted, quoted_path, shortened
from offbook.harness.settings.strict_yaml import parse_yaml


def parse_options(settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`eagle2.total_tokens=32` as {"eagle2": {"total_tokens": 32}}.

    Raises:
        ValueError: another shape, or a name twice.
    """
    options: dict[str, dict[str, Any]] = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        name, dot, key = path.partition(".")
        if not (equals and dot and name and key):
            msg = f"--option {quoted(setting)}: expected DECODER.NAME=VALUE, such as eagle2.total_tokens=32"
            raise ValueError(msg)
        if key in options.get(name, {}):
            msg = f"--option {quoted(setting)}: expected each setting once, got {shortened(path)} twice; leave one out"
            raise ValueError(msg)
        options.setdefault(name, {})[key] = parse_yaml(value, source=f"--option {shortened(path)}")
    return options


def parse_named(settings: Sequence[str], *, flag: str = "--option") -> dict[str, Any]:
    """`beta=0.5` as {"beta": 0.5}.

    Raises:
        ValueError: another shape, or a name twice.
    """
    options: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not (equals and name):
            msg = f"{flag} {quoted(setting)}: expected NAME=VALUE, such as beta=0.5"
            raise ValueError(msg)
        if name in options:
            msg = f"{flag} {quoted(setting)}: expected each setting once, got {shortened(name)} twice; leave one out"
            raise ValueError(msg)
        options[name] = parse_yaml(value, source=f"{flag} {shortened(name)}")
    return options


def parse_drafters(settings: Sequence[str]) -> dict[str, str]:
    """`eagle2=folder` as {"eagle2": "folder"}.

    Raises:
        ValueError: another shape, or a name twice.
    """
    folders: dict[str, str] = {}
    for setting in settings:
        name, equals, folder = setting.partition("=")
        if not (equals and name and folder):
            msg = f"--drafter {quoted_path(setting)}: expected DECODER=FOLDER, such as eagle2=runs/drafter-eagle2"
            raise ValueError(msg)
        if name in folders:
            msg = (
                f"--drafter {quoted_path(setting)}: expected one folder a decoder, got two of {shortened(name)}; choose"
            )
            raise ValueError(msg)
        folders[name] = folder
    return folders
