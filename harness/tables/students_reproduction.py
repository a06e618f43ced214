"""Another name for the comparison of students' tables."""

from pathlib import Path

import pandas as pd

from offbook.harness.tables.columns import from_csv
from offbook.harness.tables.reproduction import STUDENTS, NamedComparison, compare_tables


def compare_students(fresh: pd.DataFrame, committed: pd.DataFrame) -> NamedComparison:
    """See `compare_tables`."""
    return compare_tables(STUDENTS, fresh, committed)


def read_students(path: Path) -> pd.DataFrame:
    """See `from_csv`."""
    return from_csv(path, STUDENTS.columns)
