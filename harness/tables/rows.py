"""The rows of a frame, for who writes their cells."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

Row = Mapping[Any, Any]


class Rows:
    """A frame's rows, a field at a time or one after the other; a field that nobody asks for is not made.

    Text lies in Arrow, where taking out one value takes as long as a hundred do together.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._columns, self._count = _Columns(frame), len(frame)
        self.names = frozenset(frame.columns)

    def of(self, name: str) -> list[Any]:
        """The values of a field."""
        return self._columns[name]

    def __iter__(self) -> Iterator[Row]:
        """Each as a mapping from its fields."""
        return (_RowAt(self._columns, place) for place in range(self._count))


class _Columns(dict[str, list[Any]]):
    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __missing__(self, name: str) -> list[Any]:
        found: list[Any] = self.frame[name].to_numpy(dtype=object).tolist()
        self[name] = found
        return found


class _RowAt(Mapping[str, Any]):
    __slots__ = ("_columns", "_place")

    def __init__(self, columns: _Columns, place: int) -> None:
        self._columns, self._place = columns, place

    def __getitem__(self, name: str) -> Any:
        return self._columns[name][self._place]

    def __iter__(self) -> Iterator[str]:
        return map(str, self._columns.frame)

    def __len__(self) -> int:
        return self._columns.frame.shape[1]
