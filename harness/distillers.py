"""Who teaches: every way to make a student in one explicit table, and those that other distributions add.

Like decoders (`harness/roster.py`), a method of another distribution is a `StudentMethod` object named by an entry
point of the group `offbook.distillers`. Nothing is imported for a method before it is used.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.roster import with_added

if TYPE_CHECKING:
    from torch import Tensor

    from offbook.engine.training.distiller import Job

GROUP = "offbook.distillers"


@dataclass(frozen=True, kw_only=True)
class StudentMethod:
    """A way to make a student.

    Attributes:
        name: how it is asked for.
        summary: one line.
        distil: trains a job's student; takes the vectors (N, K, E) of the corpus's rationales, or None.
        reads_vectors: whether it wants these vectors; the text encoder is run for no other.
    """

    name: str
    summary: str
    distil: "Callable[[Job, Tensor | None], Path]"
    reads_vectors: bool = False


def _mind(job: "Job", vectors_NKE: "Tensor | None") -> Path:
    from offbook.methods.mind.train import mind

    assert vectors_NKE is not None
    return mind(job, vectors_NKE)


def _single_rationale(job: "Job", vectors_NKE: "Tensor | None") -> Path:
    from offbook.baselines.distillation.single_rationale import single_rationale

    return single_rationale(job)


def _uniform_rationales(job: "Job", vectors_NKE: "Tensor | None") -> Path:
    from offbook.baselines.distillation.uniform_rationales import uniform_rationales

    return uniform_rationales(job)


def _step_by_step(job: "Job", vectors_NKE: "Tensor | None") -> Path:
    from offbook.baselines.distillation.step_by_step import step_by_step

    return step_by_step(job)


def _mcc_kd(job: "Job", vectors_NKE: "Tensor | None") -> Path:
    from offbook.baselines.distillation.mcc_kd import mcc_kd

    return mcc_kd(job)


DISTILLERS: dict[str, StudentMethod] = {
    "single_rationale": StudentMethod(
        name="single_rationale",
        summary="fine-tuning on one golden rationale a question",
        distil=_single_rationale,
    ),
    "uniform_rationales": StudentMethod(
        name="uniform_rationales",
        summary="fine-tuning on all rationales of a question alike: MIND without fusion",
        distil=_uniform_rationales,
    ),
    "step_by_step": StudentMethod(
        name="step_by_step",
        summary="distilling step-by-step (arXiv:2305.02301): label and rationale as two tasks",
        distil=_step_by_step,
    ),
    "mcc_kd": StudentMethod(
        name="mcc_kd",
        summary="MCC-KD (arXiv:2310.14747): two diverse rationales whose answers must agree",
        distil=_mcc_kd,
    ),
    "mind": StudentMethod(
        name="mind",
        summary="MIND (arXiv:2601.03717): rationales scored, selected and weighed by what the student can absorb",
        distil=_mind,
        reads_vectors=True,
    ),
}


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
    known = distillers()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f" (did you mean {near[0]}?)" if near else ""
        msg = f"no distillation method {name!r}{hint}: expected one of {', '.join(known)}"
        raise ValueError(msg)
    return known[name]
