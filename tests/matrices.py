"""Matrices for tests, and the students that one plans."""

from typing import Any

from offbook.harness.artifacts.recipes import StudentRecipe
from offbook.harness.artifacts.students import Student
from offbook.harness.matrix.plan import plan
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import parse
from offbook.harness.trials.session import student_of


def matrix(content: dict[str, Any], **changes: Any) -> Matrix:
    """A matrix from its content."""
    return parse(Matrix, {"schema_version": 2, "description": "test"} | content | changes, source="test")


def students_of(found: Matrix) -> list[Student]:
    """The students that a matrix plans, in order."""
    stages = plan(found).of_kind("student")
    return [student_of(StudentRecipe.model_validate(stage.spec)) for stage in stages]
