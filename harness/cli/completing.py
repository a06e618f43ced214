"""What a shell may complete behind an option: names that everybody has, read as `offbook ls` reads them.

A shell asks while somebody types, so nothing heavy is imported, and whatever goes wrong completes nothing.
"""

from collections.abc import Callable, Iterable


def decoders(incomplete: str) -> list[str]:
    """Names of decoders."""
    return _known(incomplete, _decoders)


def trained(incomplete: str) -> list[str]:
    """Names of decoders that have a drafter to train."""
    return _known(incomplete, lambda: [name for name, has_drafter in _with_drafters() if has_drafter])


def methods(incomplete: str) -> list[str]:
    """Names of distillation methods."""

    def names() -> Iterable[str]:
        from offbook.harness.roster.distillers import distillers

        return distillers()

    return _known(incomplete, names)


def profiles(incomplete: str) -> list[str]:
    """Names of profiles."""

    def names() -> Iterable[str]:
        from offbook.harness.settings.profiles import profile_names

        return profile_names()

    return _known(incomplete, names)


def models(incomplete: str) -> list[str]:
    """Aliases of models; folders and Hugging Face ids are not completed."""

    def names() -> Iterable[str]:
        from offbook.engine.embedded import ALIASES

        return ALIASES

    return _known(incomplete, names)


def several_decoders(incomplete: str) -> list[str]:
    """Names of decoders, comma-separated: the last one is completed."""
    return _several(incomplete, _decoders)


def several_suites(incomplete: str) -> list[str]:
    """Names of suites, likewise."""

    def names() -> Iterable[str]:
        from offbook.tasks.suite_names import suite_names

        return suite_names()

    return _several(incomplete, names)


def _decoders() -> Iterable[str]:
    return [name for name, _ in _with_drafters()]


def _with_drafters() -> list[tuple[str, bool]]:
    from offbook.harness.roster.decoders import contenders

    return [(name, each.architecture is not None) for name, each in contenders().items()]


def _several(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _known(last, names) if name not in before.split(",")]


def _known(incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return [name for name in names() if name.startswith(incomplete)]
    except ValueError:  # another distribution's entry point that is none; the command itself will say so
        return []
