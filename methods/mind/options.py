"""MIND's own settings, beside those every method shares (`StudentConfig`)."""

from typing import Annotated, Literal

from pydantic import Field

from offbook.engine.quoting import shortened
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Options
from offbook.methods.mind.calibration import Direction
from offbook.methods.mind.inertia import Inertia
from offbook.methods.mind.losses import Learnability
from offbook.methods.mind.metanet import Heads
from offbook.methods.mind.selection import Rule

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class MindOptions(Options):
    """MIND's own settings; every ablation is a value of one of them.

    Attributes:
        scores: where s comes from. "metanet"; "static": MetaNet stays as the warm-up left it; "random": MetaNet's
            scores, dealt to the question's paths at random, so that only their meaning is lost; "instantaneous": −ℓ of
            this very step.
        hardest_first: turns every loss's sign round before it becomes a score or MetaNet's target.
        learnability: the tokens whose losses become scores or MetaNet's target, see `losses.py`.
        standardised: these losses enter as z-scores among their question's paths, so that τ, β and τ_student mean the
            same whatever the corpus's styles differ by; raw losses want a τ of about their standard deviation.
        attention: MetaNet's synergy layer.
        heads: MetaNet's scoring heads, see `metanet.py`.
        selection: rule of the soft threshold, see `selection.py`; "literal" bounds s by 0 and 1, so it goes with
            `standardised=False` and `tau=0.1`.
        beta: its β; 0.7 suits "literal".
        keep: m of "top_m".
        floor: share of α dealt alike to all paths, so that none is left out.
        tau: τ of L_meta and of the relative rule.
        tau_student: τ_student of α; a large one weighs the selected paths alike.
        consistency: λ.
        inertia: whose losses have a trend, see `inertia.py`.
        rho: ρ of the trend; 0 leaves inertia to MetaNet's optimiser.
        window: questions that a perspective's mean is over, at least those of a step.
        direction: of the divergence in L_meta.
        entropy_bonus: weight of the entropy of MetaNet's mean π_τ(s), against one perspective winning everywhere.
        warmup_epochs: passes of MetaNet over the untouched student's losses.
        warmup_rate: its learning rate there.
        meta_rate: its learning rate beside the student.
        accumulation: student steps a step of MetaNet averages over, A_m.
        refresh: the losses of paths that were not selected are taken anew every so many steps; in between, the last
            known ones stand for them.
        perspectives: which ones to learn from; none named: all of the corpus.
        tagged: rationales open with their perspective's name, which the student learns to choose itself.
    """

    scores: Literal["metanet", "static", "random", "instantaneous"] = "metanet"
    hardest_first: bool = False
    learnability: Learnability = "path"
    standardised: bool = True
    attention: bool = True
    heads: Heads = "own"
    selection: Rule = "relative"
    beta: Share = 0.3
    keep: Annotated[int, Field(ge=1)] = 3
    floor: Share = 0.0
    tau: Positive = 1.0
    tau_student: Positive = 1.5
    consistency: Annotated[float, Field(ge=0)] = 0.1
    inertia: Inertia = "perspective"
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.9
    window: Annotated[int, Field(ge=2)] = 16
    direction: Direction = "prediction_target"
    entropy_bonus: Annotated[float, Field(ge=0)] = 0.0
    warmup_epochs: Annotated[int, Field(ge=0)] = 5
    warmup_rate: Positive = 1e-3
    meta_rate: Positive = 1e-4
    accumulation: Annotated[int, Field(ge=1)] = 4
    refresh: Annotated[int, Field(ge=1)] = 1
    perspectives: tuple[str, ...] = ()
    tagged: bool = False

    def check_corpus(self, corpus: Corpus) -> None:
        """See `Options`: the perspectives must be some of the corpus's, each named once."""
        chosen, names = self.perspectives, corpus.perspectives
        if not set(chosen) <= set(names) or len(set(chosen)) < len(chosen):
            got = shortened(", ".join(chosen))
            msg = f"option perspectives: expected some of {', '.join(names)}, each once, got {got}"
            raise ValueError(msg)
