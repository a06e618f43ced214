"""What people read in the place of a dimension: a student with its seed, a decoder with whose drafter it ran."""

from collections.abc import Mapping
from typing import Any

from offbook.harness.records.cell import CellSpec
from offbook.harness.records.student import UNTOUCHED, StudentId
from offbook.harness.tables.progress import MissingCell, MissingExam
from offbook.harness.tables.settings_in_words import cell_in_words


def student_label(student: StudentId) -> str:
    """Such as `mind, seed 0`; `untouched` for the base model itself."""
    return named_student(student.name, student.seed)


def decoder_label(spec: CellSpec) -> str:
    """Such as `eagle2`, or `eagle2 (base's drafter)` where that was trained for the base model of a student."""
    return named_decoder(spec.decoder, "" if spec.drafter is None else spec.drafter.made_for)


def student_of(row: Mapping[Any, Any]) -> str:
    """The student's label, from a row of a table."""
    return named_student(row["student"], row["training_seed"])


def decoder_of(row: Mapping[Any, Any]) -> str:
    """The decoder's label, from a row of a table: with what its drafter was trained by, such as `eagle2, width 640`."""
    named = named_decoder(row["decoder"], row["drafter_made_for"])
    return ", ".join(filter(None, (named, cell_in_words(row.get("drafter_variant", "")))))


def exam_label(exam: MissingExam) -> str:
    """Such as `smollm2-135m-instruct, mind, seed 0`."""
    return f"{exam.model}, {named_student(exam.student, exam.training_seed)}"


def cell_label(cell: MissingCell) -> str:
    """Its place in the matrix."""
    decoder = named_decoder(cell.decoder, cell.made_for)
    return f"{exam_label(cell)}, {decoder}, {cell.suite}, temperature {cell.temperature:g}, seed {cell.seed}"


def named_student(name: str, training_seed: int) -> str:
    """See `student_label`."""
    return name if name == UNTOUCHED else f"{name}, seed {training_seed}"


def named_decoder(decoder: str, made_for: str) -> str:
    """See `decoder_label`; `made_for` is "" without a drafter."""
    return f"{decoder} (base's drafter)" if made_for == "base" else decoder
