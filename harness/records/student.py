"""Who was trained, and how: one dimension of the matrix, the same in the records of decoders and of exams."""

from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, model_validator

from offbook.engine.quoting import quoted
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.origin import Origin
from offbook.harness.records.strict import AtRest, Count

UNTOUCHED = "untouched"


class Interpolation(AtRest):
    """A place between a base model and a student that was trained of it, by their weights.

    Attributes:
        a: 0 would be the base model, 1 the student.
        parent_sha256: hash of the student's weights.
    """

    a: Annotated[float, Field(gt=0, lt=1)]
    parent_sha256: str


class StudentId(AtRest):
    """A student of a base model; without arguments the base model itself, which nobody trained.

    Attributes:
        name: what the matrix calls it: a method, or one with settings of its own ("mind, no attention").
        method: the distiller; "untouched" for the base model itself.
        made_by: whose code that is, where it is none of this repository's; else left out.
        options: the method's own settings.
        training: `engine.students.distiller.StudentConfig` as JSON, without the seed; empty for the untouched model.
        seed: of training; 0 for the untouched model.
        corpus_sha256: hash of the corpus; None for the untouched model.
        helpers: hashes of what else took part in training (text encoder, teacher, replayed prompts), by what it did.
        interpolation: where it lies on the way to the student that was trained so; left out for that one itself.
    """

    name: str = UNTOUCHED
    method: str = UNTOUCHED
    made_by: Origin | None = Field(default=None, exclude_if=lambda origin: origin is None)
    options: dict[str, JsonValue] = Field(default={})
    training: dict[str, JsonValue] = Field(default={})
    seed: Count = 0
    corpus_sha256: str | None = None
    helpers: dict[str, str] = Field(default={})
    interpolation: Interpolation | None = Field(default=None, exclude_if=lambda place: place is None)

    @model_validator(mode="after")
    def _untouched_has_nothing(self) -> Self:
        if (self.name == UNTOUCHED) != (self.method == UNTOUCHED):
            msg = f"expected the name {UNTOUCHED!r} for the untouched model alone, got {quoted(self.name)}"
            raise ValueError(msg)
        if self.method == UNTOUCHED and (self.options or self.training or self.seed or self.corpus_sha256):
            msg = f"expected no settings, seed or corpus of the {UNTOUCHED} model, got some"
            raise ValueError(msg)
        return self

    @property
    def untouched(self) -> bool:
        """Whether this is the base model itself."""
        return self.method == UNTOUCHED

    def setting(self) -> str:
        """A hash without the seed: equal for the seeds of one student."""
        plain: dict[str, Any] = {"seed": 0}
        if self.interpolation is not None:
            plain["interpolation"] = self.interpolation.model_copy(update={"parent_sha256": ""})
        return canonical_sha256(self.model_copy(update=plain).model_dump())

    def rerun(self) -> str:
        """`setting` without the mixed precision, which a rerun on another machine may choose otherwise."""
        training = {name: value for name, value in self.training.items() if name != "mixed_precision"}
        return self.model_copy(update={"training": training}).setting()
