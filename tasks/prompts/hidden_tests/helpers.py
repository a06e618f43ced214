"""What the calls of the hidden tests use beside the answer; its text runs in the sandbox, after the answer."""

import datetime  # noqa: F401  # for calls that take a date
import io
import re  # noqa: F401  # for calls that look at the numbers in a text
import sys
from collections.abc import Callable
from typing import Any


def shown(function: Callable[..., Any], *arguments: Any) -> str:
    """What a function prints, or else the text or lines that it returns."""
    out = sys.stdout = io.StringIO()
    given = function(*arguments)
    if out.getvalue().strip():
        return out.getvalue()
    return "\n".join(map(str, given)) if isinstance(given, list | tuple) else str(given)


def each(*ways: Callable[[], Any]) -> list[Any]:
    """What each of several ways to put a question gives; None for one that raises."""
    given = []
    for way in ways:
        try:
            given.append(way())
        except Exception:  # whatever an answer raises
            given.append(None)
    return given


class Node:
    """One of a linked list, under the names that are usual."""

    def __init__(self, value: Any, following: "Node | None") -> None:
        self.value = self.val = self.data = value
        self.next = following


def linked(*values: Any) -> Node | None:
    """A linked list of these values."""
    head = None
    for value in reversed(values):
        head = Node(value, head)
    return head


def unlinked(head: Any) -> list[Any]:
    """The values of a linked list of at most a hundred."""
    values: list[Any] = []
    while head is not None and len(values) < 100:
        values.append(head.value)
        head = head.next
    return values


class Flaky:
    """A function that raises so many times before it returns 'done', and counts its calls."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0
        self.__name__ = "flaky"

    def __call__(self, *arguments: Any) -> str:
        """Raise, or return."""
        self.calls += 1
        if self.calls <= self.failures:
            msg = "not yet"
            raise ValueError(msg)
        return "done"


def retried(retry: Callable[..., Any], function: Flaky, times: int) -> Any:
    """What a retrying call gives, be it at once or through the function that it returns."""
    given = retry(function, times)
    return given() if callable(given) else given
