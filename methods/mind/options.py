"""MIND's own settings, beside those every method shares (`StudentConfig`)."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from offbook.engine.quoting import shortened
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.distiller import Options
from offbook.engine.students.learnability import OF_THE_UNTOUCHED, Learnability
from offbook.methods.mind.calibration import Direction
from offbook.methods.mind.inertia import Inertia
from offbook.methods.mind.metanet import Heads
from offbook.methods.mind.selection import Rule

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class MindOptions(Options):
    """MIND's own settings; every ablation is a value of one of them.

    Attributes:
        update: what the student learns from a visit to a question. "weighted": all selected paths, each by its weight
            α; "sampled": one path drawn from α, whose loss is L_SFT on average, at the price of a single path. L_cons
            compares paths, so it is off there.
        scores: where s comes from. "metanet"; "static": MetaNet stays as the warm-up left it; "random": MetaNet's
            scores, dealt to the question's paths at random, so that only their meaning is lost; "instantaneous": −ℓ of
            this very step.
        hardest_first: turns every loss's sign round before it becomes a score or MetaNet's target.
        learnability: the cost of a path that becomes scores or MetaNet's target, see `engine/students/learnability.py`.
        rescored: whether these costs are taken anew, of the student as it is; else those of the untouched student stand
            throughout, and no path is read for its cost alone. By default they are, but for `rsr`, which may not be.
        standardised: these costs enter as z-scores among their question's paths, so that τ, β and τ_student mean the
            same whatever the corpus's styles differ by; raw ones want a τ of about their standard deviation.
        sd_floor: least deviation that a z-score divides by, as a share of the untouched student's: the median over
            questions of the standard deviation among their paths. 0: none.
        attention: MetaNet's synergy layer.
        heads: MetaNet's scoring heads, see `metanet.py`.
        selection: rule of the soft threshold, see `selection.py`; "literal" bounds s by 0 and 1, so it goes with
            `standardised=False` and `tau=0.1`.
        beta: its β; 0.7 suits "literal".
        keep: m of "top_m".
        floor: share of α dealt alike to all paths, so that none is left out.
        tau: τ of L_meta and of the relative rule.
        tau_student: τ_student of α; a large one weighs the selected paths alike.
        consistency: λ; by default 0.1, and 0 where the update is "sampled".
        inertia: whose losses have a trend, see `inertia.py`.
        rho: ρ of the trend; 0 leaves inertia to MetaNet's optimiser.
        window: questions that a perspective's mean is over, at least those that MetaNet takes in at once.
        direction: of the divergence in L_meta.
        entropy_bonus: weight of the entropy of MetaNet's mean π_τ(s), against one perspective winning everywhere.
        warmup_epochs: passes of MetaNet over the untouched student's costs.
        warmup_rate: its learning rate there.
        meta_rate: its learning rate beside the student.
        meta_questions: questions that MetaNet takes in at once, so that a student step of many is several of its own;
            0: all of the step's.
        accumulation: how often it takes some in before it moves, by their mean gradient, A_m.
        watched_rates: further learning rates, each of a MetaNet that starts alike, follows the same costs and chooses
            nothing: their L_meta is logged (`meta_loss/RATE`), for a choice of `meta_rate` by MetaNet's own loss.
        refresh: every so many steps costs are taken anew, of all paths of the step's questions; in between, the last
            known ones stand, also that of a path which is learned from: beside older ones it would look too easy.
        perspectives: which ones to learn from; none named: all of the corpus.
        tagged: rationales open with their perspective's name, which the student learns to choose itself.
    """

    update: Literal["weighted", "sampled"] = "weighted"
    scores: Literal["metanet", "static", "random", "instantaneous"] = "metanet"
    hardest_first: bool = False
    learnability: Learnability = "path"
    rescored: bool = Field(default=None, validate_default=True)
    standardised: bool = True
    sd_floor: Annotated[float, Field(ge=0)] = 0.25
    attention: bool = True
    heads: Heads = "own"
    selection: Rule = "relative"
    beta: Share = 0.3
    keep: Annotated[int, Field(ge=1)] = 3
    floor: Share = 0.0
    tau: Positive = 1.0
    tau_student: Positive = 1.5
    consistency: Annotated[float, Field(ge=0)] = Field(default=None, validate_default=True)
    inertia: Inertia = "perspective"
    rho: Annotated[float, Field(ge=0, lt=1)] = 0.9
    window: Annotated[int, Field(ge=2)] = 16
    direction: Direction = "prediction_target"
    entropy_bonus: Annotated[float, Field(ge=0)] = 0.0
    warmup_epochs: Annotated[int, Field(ge=0)] = 5
    warmup_rate: Positive = 1e-3
    meta_rate: Positive = 1e-4
    meta_questions: Annotated[int, Field(ge=0)] = 0
    accumulation: Annotated[int, Field(ge=1)] = 4
    watched_rates: tuple[Positive, ...] = ()
    refresh: Annotated[int, Field(ge=1)] = 1
    perspectives: tuple[str, ...] = ()
    tagged: bool = False

    @field_validator("rescored", mode="before")
    @classmethod
    def _rescored(cls, given: Any, info: ValidationInfo) -> Any:
        """The default, which depends on the cost, so that a record says what was done."""
        return info.data.get("learnability") not in OF_THE_UNTOUCHED if given is None else given

    @field_validator("consistency", mode="before")
    @classmethod
    def _consistency(cls, given: Any, info: ValidationInfo) -> Any:
        """The default, which depends on the update, likewise."""
        return (0.0 if info.data.get("update") == "sampled" else 0.1) if given is None else given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.learnability in OF_THE_UNTOUCHED and self.rescored:
            msg = (
                f"expected rescored=false beside learnability={self.learnability}, got true: of a student that has "
                "learned it puts the hardest path first; leave it out, or take rsr_guarded"
            )
            raise ValueError(msg)
        if self.update == "sampled" and self.consistency > 0:
            msg = (
                f"expected consistency=0 beside update=sampled, got {self.consistency:g}: one path has none to agree "
                "with; leave it out"
            )
            raise ValueError(msg)
        return self

    def check_corpus(self, corpus: Corpus) -> None:
        """See `Options`: the perspectives must be some of the corpus's, each named once."""
        chosen, names = self.perspectives, corpus.perspectives
        if not set(chosen) <= set(names) or len(set(chosen)) < len(chosen):
            got = shortened(", ".join(chosen))
            msg = f"option perspectives: expected some of {', '.join(names)}, each once, got {got}"
            raise ValueError(msg)
