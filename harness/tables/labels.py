"""What people read in the place of a dimension: a student with its seed, a decoder with whose drafter it ran."""

from offbook.harness.records.cell import CellSpec
from offbook.harness.records.drafter import is_borrowed
from offbook.harness.records.student import StudentId


def student_label(student: StudentId) -> str:
    """Such as `mind, seed 0`; `untouched` for the base model itself."""
    return student.name if student.untouched else f"{student.name}, seed {student.seed}"


def decoder_label(spec: CellSpec) -> str:
    """Such as `eagle2`, or `eagle2 (base's drafter)` where that was trained for the base model of a student."""
    return f"{spec.decoder} (base's drafter)" if is_borrowed(spec.drafter) else spec.decoder
