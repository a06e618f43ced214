"""The material of the prompt sets, one module per category; each offers `test_rows()` and `train_rows()`.

A row here is a dict with ``prompt``, ``answer`` and, where scoring needs more than the answer, ``check``.
`offbook.tasks.prompts.generate` adds ids and writes the files.
"""

from typing import Any

Row = dict[str, Any]
