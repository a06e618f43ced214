"""The hash of what a task asks: a run goes on only with the task that it began with."""

import hashlib
import inspect
from collections.abc import Sequence
from typing import Any

from offbook.harness.records.hashing import canonical_sha256


def task_fingerprint(task: Any) -> str:
    """Hash of what the task asks and how it scores: configuration, source of its functions, every document."""
    config = {
        key: _plain(value)
        for key, value in sorted(task.config.to_dict(keep_callable=True).items())
        if key not in ("metadata", "custom_dataset", "dataset_path", "dataset_kwargs")  # paths; documents are hashed
    }
    documents = hashlib.sha256("\n".join(repr(sorted(doc.items())) for doc in task.eval_docs).encode()).hexdigest()
    return canonical_sha256({"config": config, "version": str(task.VERSION), "documents": documents})


def with_limits(fingerprint: str, limits: Sequence[tuple[int, tuple[str, ...]]]) -> str:
    """The fingerprint, joined by each document's limits where the documents have not all the same."""
    if len(set(limits)) <= 1:
        return fingerprint  # a cell's specification holds them
    return canonical_sha256({"task": fingerprint, "limits": limits})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if callable(value):
        try:
            return inspect.getsource(value)
        except (OSError, TypeError):
            return getattr(value, "__qualname__", type(value).__name__)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
