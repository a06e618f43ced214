"""What `offbook tune` leaves, `tuning.json`: the costs of a machine, and of each decoder what its candidates are worth.

It is frozen: a run reads it instead of the clock, and its records name its hash.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from offbook.engine.complaints import complaint
from offbook.engine.decoding.calibration import Calibration
from offbook.engine.decoding.cost_aware import CostAware, Tuned
from offbook.engine.decoding.costs import RowCosts
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Decoder
from offbook.engine.machine import abilities
from offbook.engine.quoting import quoted
from offbook.engine.text import read_json
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.strict import AtRest, Count, Positive, Seconds, Share

FILE = "tuning.json"
ANEW = "make one with `offbook tune`"
SAME_MACHINE = ("cpu", "cpu_capability", "usable_cores", "torch_threads")  # what decides what rows cost


class AtTemperature(AtRest):
    """What one decoder's candidates are worth at one temperature.

    Attributes:
        temperature: of the answers to development prompts.
        calibration: see `Calibration`.
        saved_s: what a round that drafts saves; see `Tuned`.
        speedup: expected over the layout's plain row, each half of the prompts by the calibration of the other.
        acceptance_length: expected of rounds that draft.
        break_even: the acceptance length at which these would take as long as plain steps.
        by_position: of rounds that reach a depth with a candidate there, the share that accepts one; from depth 1.
        by_rank: of candidates of depth 1, the share that holds, by rank among siblings.
    """

    temperature: Annotated[float, Field(ge=0)]
    calibration: Calibration
    saved_s: float
    speedup: Annotated[float, Field(gt=0)]
    acceptance_length: Annotated[float, Field(ge=1)]
    break_even: Annotated[float, Field(gt=0)]
    by_position: tuple[Share, ...]
    by_rank: tuple[Share, ...]


class DecoderTuning(AtRest):
    """One decoder, with the settings that promise most.

    Attributes:
        decoder: of the roster.
        options: all of its settings.
        drafter_sha256: of the weights that drafted; None without any.
        draft_s: seconds of one round's drafting.
        at: by temperature.
    """

    decoder: str
    options: dict[str, JsonValue]
    drafter_sha256: str | None = None
    draft_s: Seconds
    at: Annotated[tuple[AtTemperature, ...], Field(min_length=1)]


class Tuning(AtRest):
    """See the module.

    Attributes:
        machine: that it was measured on.
        model: the target; weights_sha256: its hash; dtype: its number format; layout: of its weights.
        prompts: development prompts that were answered.
        tokens: of these answers.
        costs: of a step, by layout; of its own at least.
        decoders: that were tuned.
    """

    schema_version: Literal[1] = 1
    machine: dict[str, JsonValue]
    model: str
    weights_sha256: str
    dtype: str
    layout: str
    prompts: Positive
    tokens: Count
    costs: dict[str, RowCosts]
    decoders: tuple[DecoderTuning, ...]

    @model_validator(mode="after")
    def _holds_its_own(self) -> Self:
        if self.layout not in self.costs:
            msg = f"expected costs of the layout {self.layout}, got those of {', '.join(self.costs) or 'none'}; {ANEW}"
            raise ValueError(msg)
        return self

    def sha256(self) -> str:
        """Of all of it."""
        return canonical_sha256(self.model_dump(mode="json"))

    def of(self, decoder: str) -> DecoderTuning:
        """What was found of a decoder.

        Raises:
            ValueError: it was not tuned.
        """
        for tuned in self.decoders:
            if tuned.decoder == decoder:
                return tuned
        names = ", ".join(tuned.decoder for tuned in self.decoders) or "none"
        msg = f"tuning of {quoted(decoder)}: expected one of {names}, which were tuned; {ANEW} --decoders {decoder}"
        raise ValueError(msg)

    def tuned(self, decoder: str, temperature: float) -> Tuned:
        """What the controller takes, at the nearest temperature that was tried.

        Raises:
            ValueError: see `of`.
        """
        found = self.of(decoder)
        at = min(found.at, key=lambda tried: abs(tried.temperature - temperature))
        return Tuned(
            costs=self.costs[self.layout], draft_s=found.draft_s, calibration=at.calibration, saved_s=at.saved_s
        )

    def check(self, *, weights_sha256: str, layout: str, drafter_sha256: str | None, decoder: str) -> None:
        """Whether it was made for this.

        Raises:
            ValueError: another model, layout or drafter.
        """
        for what, ours, theirs in (
            ("model", weights_sha256[:12], self.weights_sha256[:12]),
            ("layout", layout, self.layout),
            ("drafter", str(drafter_sha256)[:12], str(self.of(decoder).drafter_sha256)[:12]),
        ):
            if ours != theirs:
                msg = f"tuning of {quoted(decoder)}: expected one made for the {what} {ours}, got {theirs}'s; {ANEW}"
                raise ValueError(msg)

    def elsewhere(self, machine: Mapping[str, JsonValue] | None = None) -> str | None:
        """In what the machine that it was made on differs from this one, in words; None where it does not."""
        here = abilities() if machine is None else machine
        differing = [name for name in SAME_MACHINE if here.get(name) != self.machine.get(name)]
        told = ", ".join(f"{name} {here.get(name)} and not {self.machine.get(name)}" for name in differing)
        return f"tuned on another machine than this ({told}): its costs may not be this one's" if told else None

    def facts(self, decoder: str, temperature: float) -> dict[str, Any]:
        """What a manifest says of it."""
        found, tuned = self.of(decoder), self.tuned(decoder, temperature)
        costs = tuned.costs
        return {
            "sha256": self.sha256(),
            "machine": {name: self.machine.get(name) for name in SAME_MACHINE},
            "costs": {"contexts": [*costs.contexts], "rows": [*costs.rows], "seconds": [[*s] for s in costs.seconds]},
            "draft_s": found.draft_s,
            "saved_s": tuned.saved_s,
        }

    def to_bytes(self) -> bytes:
        """As the file holds it."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def tuned_options(tuning: Tuning, decoder: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A decoder's settings as they were tuned.

    Raises:
        ValueError: it was not tuned, or with other settings than are given.
    """
    options = tuning.of(decoder).options
    for name, value in given.items():
        if options.get(name) != value:
            msg = (
                f"tuning of {quoted(decoder)}: expected {name} {quoted(options.get(name))}, with which it was made, "
                f"got {quoted(value)}; {ANEW} --option {decoder}.{name}={value}"
            )
            raise ValueError(msg)
    return dict(options)


def under_control(decoder: Decoder, tuned: Tuned, name: str) -> SpeculativeDecoder:
    """The same decoder, its rounds cut as it pays.

    Raises:
        ValueError: it has no rounds in offbook's loop, or what it says hangs on its candidates.
    """
    if not isinstance(decoder, SpeculativeDecoder) or decoder.verifier is not None:
        msg = f"{name}: expected a decoder with rounds that may be cut, got one of its own; leave the tuning out"
        raise ValueError(msg)
    return SpeculativeDecoder(decoder.backbone, decoder.drafter, decoder.detokenize, CostAware(tuned))


def read_tuning(path: Path) -> Tuning:
    """A tuning from its file, or from the folder that holds it.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    file = path / FILE if path.is_dir() else path
    content = read_json(file, what="a tuning", remedy=ANEW)
    try:
        return Tuning.model_validate(content)
    except ValidationError as error:
        msg = f"{file}: expected a tuning, got {complaint(error).told('its content')}; {ANEW}"
        raise ValueError(msg) from error
