"""What a profile holds: models, decoders and suites, students and their exam, and how drafters are trained."""

from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from offbook.engine.quoting import quoted
from offbook.harness.settings.strict import Name, Names, Strict, Version
from offbook.harness.settings.students import StudentsSpec


class TrainingSpec(Strict):
    """How a profile trains its drafters; what is left out keeps the default of `TrainingConfig`.

    `answers` limits how many of the target's answers are used, counted in equal shares over the categories.
    """

    answers: int | None = Field(default=None, ge=2)
    epochs: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    warmup_steps: int | None = Field(default=None, ge=0)
    draft_vocab_size: int | None = Field(default=None, ge=1)
    max_length: int | None = Field(default=None, ge=8)
    seed: int | None = Field(default=None, ge=0)


class HeatsSpec(Strict):
    """One pass over all suites: its temperature and how many documents of each suite (None: all)."""

    temperature: float = Field(default=0.0, ge=0)
    limit: int | None = Field(default=None, ge=1)


class Profile(Strict):
    """What `offbook reproduce` runs: decoders in heats, students in exams, or both.

    `suites` gives the cap on new tokens by suite of the heats; `options` overrides a decoder's settings by its name.
    """

    schema_version: Version
    description: str
    model: Name
    dtype: Name = "float32"
    seed: int = Field(default=0, ge=0)
    decoders: Names = ()
    options: dict[Name, dict[str, JsonValue]] = Field(default={})
    training: TrainingSpec = TrainingSpec()
    suites: dict[Name, Annotated[int, Field(ge=1)]] = Field(default={}, min_length=1)
    heats: tuple[HeatsSpec, ...] = Field(default=(), min_length=1)
    students: StudentsSpec | None = None

    @model_validator(mode="after")
    def _has_work(self) -> Self:
        parts = {"decoders": self.decoders, "suites": self.suites, "heats": self.heats}
        missing = [name for name, part in parts.items() if not part]
        if missing and (len(missing) < len(parts) or self.students is None):
            msg = f"expected decoders, suites and heats together, or students, got no {missing[0]}; add them"
            raise ValueError(msg)
        cross = self.students.cross if self.students else None
        if cross and (shared := sorted(set(cross.suites) & set(self.suites))):
            msg = f"cross: expected suites that no other heat takes, got {quoted(shared[0])} in both; choose another"
            raise ValueError(msg)
        return self
