"""What of a profile's exams a machine can ask: a suite whose published data set is not to be had there is left out.

A profile is one file for all machines. A matrix of one's own says what is wanted, and is refused instead.
"""

from offbook.harness.settings.matrix import Matrix
from offbook.harness.suites.sources import PREFIX, suite_sources
from offbook.tasks import TASKS_PATH


def without_missing_data(profile: Matrix) -> tuple[Matrix, list[str]]:
    """The profile as it can be run here, and a line for each suite of its exams whose data set is not to be had.

    A data set that only the hub has is fetched now.

    Raises:
        ValueError: a suite that does not exist, or a profile of nothing but exams of which no suite is left.
    """
    if profile.exams is None:
        return profile, []
    asked = [name for names in profile.exams.suites.values() for name in names]
    missing = {name: reason for name in asked if (reason := _missing(name)) is not None}
    if not missing:
        return profile, []
    lines = [f"left out: {name}: {reason}" for name, reason in missing.items()]
    if len(missing) == len(asked) and not profile.decoders:
        msg = f"exams: expected a suite whose data set is here, got none ({'; '.join(lines)})"
        raise ValueError(msg)
    kept = {
        group: tuple(name for name in names if name not in missing) for group, names in profile.exams.suites.items()
    }
    suites = {group: names for group, names in kept.items() if names}
    exams = profile.exams.model_copy(update={"suites": suites}) if suites else None
    return profile.model_copy(update={"exams": exams}), lines


def _missing(name: str) -> str | None:
    """Why the data set of a suite, or of one of a group's, is not to be had; None where all are."""
    with_folders = [
        source.name for source in suite_sources(name) if (TASKS_PATH / source.name.removeprefix(PREFIX)).is_dir()
    ]
    if not with_folders:  # published data sets have a folder each; no other suite is one of theirs
        return None
    from offbook.tasks.published import unavailable  # imports what reads data sets, which takes a second

    return next((reason for suite in with_folders if (reason := unavailable(suite)) is not None), None)
