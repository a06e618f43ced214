"""Who teaches: every way to make a student in one explicit table, and those that other distributions add.

Like decoders (`roster/decoders.py`), a method of another distribution is a `StudentMethod` object named by an entry
point of the group `offbook.distillers`. Nothing is imported for a method before it is used.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offbook.harness.records.origin import Origin
from offbook.harness.roster.entrants import by_name, with_added
from offbook.harness.roster.origin import origin_of

if TYPE_CHECKING:
    from torch import Tensor

    from offbook.engine.students.corpus import Corpus
    from offbook.engine.students.distiller import Job, Options

GROUP = "offbook.distillers"


@dataclass(frozen=True, kw_only=True)
class StudentMethod:
    """A way to make a student.

    Attributes:
        name: how it is asked for.
        summary: one line.
        settings: the class of its own settings.
        distil: trains a job's student; takes the vectors (N, K, E) of the corpus's rationales, or None.
        reads_vectors: whether it wants these vectors; the text encoder is run for no other.
        models: its settings that name another model, whose weights determine the student too.
        drafter: the decoder whose drafter its training gives too: for this very student, in a folder of this name below
            the student's.
    """

    name: str
    summary: str
    settings: "Callable[[], type[Options]]"
    distil: "Callable[[Job, Tensor | None], Path]"
    reads_vectors: bool = False
    models: tuple[str, ...] = ()
    drafter: str | None = None

    @property
    def made_by(self) -> Origin | None:
        """Whose code it is, where it is none of this repository's."""
        return origin_of(self.distil, GROUP)

    def resolved(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """All settings as JSON, those that were not given at their defaults: what a record has to say.

        Raises:
            ValueError: an unknown setting, or a value it cannot take.
        """
        return self._checked(options).model_dump(mode="json")

    def check_corpus(self, options: Mapping[str, Any], corpus: "Corpus") -> None:
        """Refuses a corpus that the method cannot learn from under these settings.

        Raises:
            ValueError: what is missing, or as `resolved`.
        """
        self._checked(options).check_corpus(corpus)

    def _checked(self, options: Mapping[str, Any]) -> "Options":
        from offbook.engine.students.distiller import checked_options

        return checked_options(options, self.settings())


def _in(module: str, function: str) -> "Callable[[Job, Tensor | None], Path]":
    """A baseline's distiller, imported when it is called."""

    def distil(job: "Job", vectors_NKE: "Tensor | None") -> Path:
        made: Path = getattr(importlib.import_module(module), function)(job)
        return made

    return distil


def _settings(module: str, name: str) -> "Callable[[], type[Options]]":
    """A method's settings, imported when they are asked for."""

    def settings() -> "type[Options]":
        kind: type[Options] = getattr(importlib.import_module(module), name)
        return kind

    return settings


def _baseline(name: str, settings: str, summary: str, *, models: tuple[str, ...] = ()) -> StudentMethod:
    """A method of `baselines/distillation`, where file and function are called like it."""
    module = f"offbook.baselines.distillation.{name}"
    return StudentMethod(
        name=name,
        summary=summary,
        settings=_settings(module, settings),
        distil=_in(module, name),
        models=models,
    )


def _mind(job: "Job", vectors_NKE: "Tensor | None") -> Path:
    from offbook.methods.mind.train import mind

    assert vectors_NKE is not None
    return mind(job, vectors_NKE)


def _medusa2(job: "Job", vectors_NKE: "Tensor | None") -> Path:
    from offbook.baselines.decoding.medusa.architecture import ARCHITECTURE
    from offbook.baselines.decoding.medusa.objective import DECAY
    from offbook.baselines.distillation.medusa2.train import medusa2

    return medusa2(job, ARCHITECTURE, decay=DECAY)


_METHODS = (
    _baseline("single_rationale", "SingleRationaleOptions", "fine-tuning on one golden rationale a question"),
    _baseline(
        "uniform_rationales",
        "UniformRationalesOptions",
        "fine-tuning on all rationales of a question alike: MIND without fusion",
    ),
    _baseline("answer_only", "AnswerOnlyOptions", "fine-tuning on the answer line alone, without a rationale"),
    _baseline("equation_only", "EquationOnlyOptions", "fine-tuning on the equations of a rationale alone (EoTD)"),
    _baseline(
        "step_by_step",
        "StepByStepOptions",
        "distilling step-by-step (arXiv:2305.02301): label and rationale as two tasks",
    ),
    _baseline("mcc_kd", "MccKdOptions", "MCC-KD (arXiv:2310.14747): two diverse rationales whose answers must agree"),
    _baseline(
        "mode_cotd", "ModeCotdOptions", "MoDE-CoTD (LREC-COLING 2024): one LoRA expert a perspective, then mixed"
    ),
    _baseline(
        "edit",
        "EditOptions",
        "EDIT (arXiv:2405.19737): key steps told by rationales that went wrong",
    ),
    _baseline(
        "logit_kd",
        "LogitKdOptions",
        "token-level KL to a larger teacher of the same vocabulary, on rationales",
        models=("teacher",),
    ),
    _baseline(
        "static_selection",
        "StaticSelectionOptions",
        "fine-tuning on the rationale of each question that costs the untouched student least: MIND without learning",
    ),
    _baseline(
        "random_path",
        "RandomPathOptions",
        "fine-tuning on one rationale a visit, drawn from all of a question: MIND without selection",
    ),
    StudentMethod(
        name="medusa2",
        summary="Medusa-2 (arXiv:2401.10774): a student and Medusa's heads on it, trained together for `medusa`",
        settings=_settings("offbook.baselines.distillation.medusa2.options", "Medusa2Options"),
        distil=_medusa2,
        drafter="medusa",
    ),
    StudentMethod(
        name="mind",
        summary="MIND (arXiv:2601.03717): rationales scored, selected and weighed by what the student can absorb",
        settings=_settings("offbook.methods.mind.options", "MindOptions"),
        distil=_mind,
        reads_vectors=True,
    ),
)
DISTILLERS: dict[str, StudentMethod] = {method.name: method for method in _METHODS}


def distillers() -> Mapping[str, StudentMethod]:
    """The table, and what entry points add to it.

    Raises:
        ValueError: an entry point that names no contender, or takes a name that is taken.
    """
    return with_added(DISTILLERS, StudentMethod, GROUP)


def distiller(name: str) -> StudentMethod:
    """One method by name.

    Raises:
        ValueError: there is none; the nearest name is suggested.
    """
    return by_name(name, distillers(), "distillation method")
