"""The matrix file: what is crossed with what, as one small YAML file; a profile is such a file.

    models x students (the untouched model always) x decoders x suites x temperatures x seeds

are heats; `include` keeps the cells that one of its entries covers (all, without any), `exclude` leaves out those that
one covers. `exams` are sat by every student and the untouched model of each base. Students without heats or exams are
trained alone. `hypotheses` say which of them are held against each other at the end, and `outcomes` in what.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from offbook.engine.decoding.layouts.names import AUTO, LayoutName
from offbook.engine.quoting import quoted
from offbook.harness.settings.bounds import EXAM_BATCH, EXAM_TOKENS, Between, Number, Seed, Temperature, TopK, TopP
from offbook.harness.settings.drafters import DrafterTrainingSpec, Source
from offbook.harness.settings.hypotheses import HypothesisSpec, OutcomeSpec
from offbook.harness.settings.strict import Name, Names, Strict
from offbook.harness.settings.students import CorpusSpec, StudentTrainingSpec
from offbook.tasks.exam_groups import Group

UNTOUCHED = "untouched"
OWN, BASE, NONE, TUNED = "own", "base", "none", "tuned"


class BaseModelSpec(Strict):
    """A base model, under its alias, folder or Hugging Face id."""

    revision: Name | None = None
    dtype: Name = "float32"


class StudentSpec(Strict):
    """A student: a method with its own settings, which win over those of all students.

    Attributes:
        method: of the roster.
        options: the method's own.
        training: what is left out is as `Matrix.training` has it.
        seeds: of its training: 0, 1, ...
        corpus: to learn from; by default `Matrix.corpus`.
        processes: of its training.
        models: base models that it is made of; none named: all.
        interpolate: shares a; for each, a further student with the weights θ0 + a(θ - θ0) between base and student
            sits the exams (WiSE-FT, arXiv:2109.01903); a of 1 is the student itself, of 0 the untouched model.
        interpolate_seeds: how many seeds, from 0, have such students; by default all.
        tries: how many settings of the method were tried on development questions before these were chosen, these
            among them; for the tables.
    """

    method: Name
    options: dict[str, JsonValue] = Field(default={})
    training: StudentTrainingSpec = StudentTrainingSpec()
    seeds: Number = 1
    corpus: CorpusSpec | None = None
    processes: Number | None = None
    models: Names = ()
    interpolate: tuple[Between, ...] = ()
    interpolate_seeds: Number | None = None
    tries: Number | None = None


class DecoderSpec(Strict):
    """A decoder of a heat.

    Attributes:
        decoder: of the roster; by default the name that the entry stands under.
        options: its own settings.
        drafter: "own" is trained for the model that decodes, and together with it where a student's method does that
            and `training` is empty; "base" is trained for the model that a student was made of; or a folder. Decoders
            that have nothing to train take none, and it is left out or "none".
        training: of its drafter; what is left out is as `Matrix.drafters` has it.
        layout: of the target's weights while it decodes: transformers, prepacked or packed; "auto" is the fastest that
            needs no compiler. What is left out is as `Matrix.layout` has it.
        controller: "none" verifies all that is proposed; "tuned" has the plan measure what cuts its rounds and chooses
            the settings that `options` leaves out; or the path of a tuning.json of `offbook tune`.
    """

    decoder: Name | None = None
    options: dict[str, JsonValue] = Field(default={})
    drafter: Name = OWN
    training: DrafterTrainingSpec = DrafterTrainingSpec()
    layout: LayoutName | None = None
    controller: Name = NONE


class SuiteSpec(Strict):
    """A suite of heats: the cap on an answer (the suite's own by default) and how many documents from the first."""

    max_new_tokens: Number | None = None
    limit: Number | None = None


class TemperatureSpec(Strict):
    """How answers are drawn; `limit` bounds the documents of each suite further."""

    temperature: Temperature = 0.0
    top_k: TopK = 0
    top_p: TopP = 1.0
    limit: Number | None = None


class ExamsSpec(Strict):
    """The exam of students.

    Attributes:
        suites: suites or groups of suites, by what their accuracy is pooled into.
        limit: documents of each suite, from the first; None for all.
        limits: the same of the suites of a group, in place of `limit`.
        max_new_tokens: cap on an answer, also on one to a development question; None for each suite's own cap, and
            `EXAM_TOKENS` on one to a development question.
        batch_size: documents answered at once.
    """

    suites: dict[Group, Names] = Field(min_length=1)
    limit: Number | None = None
    limits: dict[Group, Number] = Field(default={})
    max_new_tokens: Number | None = EXAM_TOKENS
    batch_size: Number = EXAM_BATCH


class Drafters(DrafterTrainingSpec):
    """How all drafters are trained; `source`: whether answers of a base model are those shipped, where there are."""

    source: Source = "shipped"


def _listed(value: Any) -> Any:
    return value if value is None else tuple(value) if isinstance(value, list | tuple) else (value,)


Some = Annotated[Names | None, BeforeValidator(_listed)]
SomeNumbers = Annotated[tuple[int, ...] | None, Field(min_length=1), BeforeValidator(_listed)]
SomeSeeds = Annotated[tuple[Seed, ...] | None, Field(min_length=1), BeforeValidator(_listed)]
SomeReals = Annotated[tuple[float, ...] | None, Field(min_length=1), BeforeValidator(_listed)]


class Cells(Strict):
    """Some cells, by their place in some dimensions; one value or a list of them each."""

    models: Some = None
    students: Some = None
    training_seeds: SomeNumbers = None
    decoders: Some = None
    suites: Some = None
    temperatures: SomeReals = None
    seeds: SomeNumbers = None

    def cover(self, cell: "CellPlace") -> bool:
        """Whether a cell is among them."""
        return all(
            wanted is None or value in wanted
            for wanted, value in (
                (self.models, cell.model),
                (self.students, cell.student),
                (self.training_seeds, cell.training_seed),
                (self.decoders, cell.decoder),
                (self.suites, cell.suite),
                (self.temperatures, cell.temperature),
                (self.seeds, cell.seed),
            )
        )


class CellPlace(Strict):
    """Where a cell stands in the matrix, by the names of the file."""

    model: str
    student: str
    training_seed: int
    decoder: str
    suite: str
    temperature: float
    seed: int


class Matrix(Strict):
    """See the module.

    Attributes:
        description: one line.
        models: base models by alias, folder or id.
        students: by the name that tables give them; the untouched model is always beside them.
        training: of all students.
        corpus: what they learn from.
        encoder: reads rationales for methods that score them (`engine.students.text_encoder`).
        processes: of a training, through accelerate; on GPUs, one each.
        decoders: by the name that `include` and `exclude` call them.
        layout: of the weights, of decoders that name none.
        drafters: how theirs are trained.
        suites: of heats.
        temperatures: of heats.
        seeds: of heats.
        chat_template: whether prompts go through the chat template; by default where there is one.
        include: see the module.
        exclude: see the module.
        exams: of students.
        hypotheses: by name; see `harness.settings.hypotheses`.
        outcomes: by name; what hypotheses are decided in, the accuracy in distribution where none is named.
        training_seeds: only these, of all students; by default all that each has. A piece of a matrix at a time.
    """

    schema_version: Annotated[int, Field(ge=2, le=2)]
    description: str
    models: dict[Name, BaseModelSpec] = Field(min_length=1)
    students: dict[Name, StudentSpec] = Field(default={})
    training: StudentTrainingSpec = StudentTrainingSpec()
    corpus: CorpusSpec = CorpusSpec()
    encoder: Name = "all-minilm-l6-v2"
    processes: Number = 1
    decoders: dict[Name, DecoderSpec] = Field(default={})
    layout: LayoutName = AUTO
    drafters: Drafters = Drafters()
    suites: dict[Name, SuiteSpec] = Field(default={})
    temperatures: tuple[TemperatureSpec, ...] = Field(default=(TemperatureSpec(),), min_length=1)
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    chat_template: bool | None = None
    include: tuple[Cells, ...] = ()
    exclude: tuple[Cells, ...] = ()
    exams: ExamsSpec | None = None
    hypotheses: dict[Name, HypothesisSpec] = Field(default={})
    outcomes: dict[Name, OutcomeSpec] = Field(default={})
    training_seeds: SomeSeeds = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if bool(self.decoders) != bool(self.suites) or not (self.decoders or self.exams or self.students):
            missing = "suites" if self.decoders else "decoders"
            msg = f"expected decoders and suites together, or exams, got no {missing}; add them"
            raise ValueError(msg)
        if UNTOUCHED in self.students:
            msg = f"students: expected no student named {UNTOUCHED!r}, got one: that is the base model, always there"
            raise ValueError(msg)
        for name, student in self.students.items():
            _known(f"students.{name}.models", student.models, list(self.models))
            if revised := [m for m in student.models or self.models if self.models[m].revision is not None]:
                msg = (
                    f"students: expected base models without a revision, got one of {quoted(revised[0])}; leave it out"
                )
                raise ValueError(msg)
        if self.exams is not None:
            _known("exams.limits", list(self.exams.limits), list(self.exams.suites))
        for name, hypothesis in self.hypotheses.items():
            _known(f"hypotheses.{name}", hypothesis.students(), list(self.students))
        for what, entries in (("include", self.include), ("exclude", self.exclude)):
            for cells in entries:
                _known(f"{what}.models", cells.models or (), list(self.models))
                _known(f"{what}.students", cells.students or (), [UNTOUCHED, *self.students])
                _known(f"{what}.decoders", cells.decoders or (), list(self.decoders))
                _known(f"{what}.suites", cells.suites or (), list(self.suites))
                temperatures = [spec.temperature for spec in self.temperatures]
                _known(f"{what}.temperatures", cells.temperatures or (), temperatures)
                _known(f"{what}.seeds", cells.seeds or (), list(self.seeds))
        return self

    def students_of(self, model: str) -> Iterator[tuple[str, int]]:
        """The students of a base model, seed by seed, so that tables which grow compare all methods early."""
        named = {
            name: student for name, student in self.students.items() if not student.models or model in student.models
        }
        every = range(max((student.seeds for student in named.values()), default=0))
        for seed in every if self.training_seeds is None else sorted({*self.training_seeds} & {*every}):
            yield from ((name, seed) for name, student in named.items() if seed < student.seeds)

    def decoders_of(self, **place: Any) -> list[str]:
        """The decoders of one heat: cells at this place that are included, and not excluded."""
        cells = {name: CellPlace.model_construct(decoder=name, **place) for name in self.decoders}
        return [
            name
            for name, cell in cells.items()
            if (not self.include or any(entry.cover(cell) for entry in self.include))
            and not any(entry.cover(cell) for entry in self.exclude)
        ]


def _known(what: str, names: Sequence[Any], known: Sequence[Any]) -> None:
    strangers = [name for name in names if name not in known]
    if strangers:
        msg = f"{what}: expected some of {', '.join(map(str, known))}, got {quoted(strangers[0])}; add it there"
        raise ValueError(msg)
