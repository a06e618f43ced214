"""The names of offbook's own suites, read from their files without lm-eval."""

import re

from offbook.tasks import TASKS_PATH

TASK = re.compile(r"^task: *offbook_(\S+)", re.MULTILINE)


def suite_names() -> list[str]:
    """Suites of this repository."""
    return sorted(m[1] for path in TASKS_PATH.rglob("*.yaml") if (m := TASK.search(path.read_text("utf-8"))))
