"""A decoding method as the roster has it: its name, its settings, and how it is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, JsonValue

from offbook.engine.quoting import quoted
from offbook.harness.records.origin import Origin
from offbook.harness.roster.origin import origin_of
from offbook.harness.settings.parse import parse

if TYPE_CHECKING:
    from offbook.engine.decoding.decoder import Decoder
    from offbook.engine.drafters.architecture import DraftArchitecture
    from offbook.engine.drafters.ngrams import CountedArchitecture
    from offbook.harness.roster.target import Target

GROUP = "offbook.contenders"


class Options(BaseModel):
    """Settings of a contender; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A decoding method.

    Attributes:
        name: how it is asked for.
        summary: one line.
        build: makes the decoder from the target, its options and the folder of its drafter (None without one).
        options: its settings and their defaults.
        architecture: for a contender with a trained drafter, what to train; imported when called, with `variant` where
            there are any.
        variant: settings of its drafter's network and objective, and their defaults, which are trained with it.
        counted: whether that is counted, so that no setting of a training means anything to it.
        drafter_of: whose trained drafter it uses, where that is another's.
        published: the format of published draft models that it takes, by its name in `engine.drafters.published`.
        layout: the form of the target's weights that it decodes in whatever is asked for; None for any.
        tries: settings that a tuning, or `tries_benchmark`, compares where nobody fixes them; by default the defaults
            alone.
        draws: whether its candidates are drawn above temperature 0, so that no controller may cut them.
        lossy: whether it is built to say what its target would not; no row of it is then called exact.
        outside: whether another program runs the model, so that no call of the target is seen from here.
        extra: the extra of offbook that brings what it imports, as pip installs it; None where it needs none.
        by_default: whether `offbook evaluate` compares it where nobody says whom; of this repository's table only.

    Raises:
        TypeError: one of these is something else.
    """

    name: str
    summary: str
    build: "Callable[[Target, Any, Path | None], Decoder]"
    options: type[BaseModel] = Options
    architecture: "Callable[..., DraftArchitecture | CountedArchitecture] | None" = None
    variant: type[BaseModel] = Options
    counted: bool = False
    drafter_of: str | None = None
    published: str | None = None
    layout: str | None = None
    draws: bool = False
    lossy: bool = False
    outside: bool = False
    extra: str | None = None
    tries: tuple[Mapping[str, JsonValue], ...] = ({},)
    by_default: bool = False

    def __post_init__(self) -> None:
        wanted = (
            ("name", "a text", isinstance(self.name, str) and self.name.strip() and self.name.isprintable()),
            ("summary", "a text", isinstance(self.summary, str)),
            ("build", "a function of target, options and folder", callable(self.build)),
            (
                "options",
                "a class below `Options`",
                isinstance(self.options, type) and issubclass(self.options, BaseModel),
            ),
            (
                "variant",
                "a class below `Options`",
                isinstance(self.variant, type) and issubclass(self.variant, BaseModel),
            ),
            ("architecture", "a function, or None", self.architecture is None or callable(self.architecture)),
            ("extra", "a text, or None", self.extra is None or isinstance(self.extra, str)),
        )
        for field, what, fits in wanted:
            if not fits:
                msg = (
                    f"Contender: {field}: expected {what}, got {quoted(getattr(self, field))}; see docs/your-decoder.md"
                )
                raise TypeError(msg)

    def varied(self, given: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Settings of its drafter's network and objective, without those that are the defaults.

        Raises:
            ValueError: some that it does not have.
        """
        return told(self._variant(given))

    def trained(self, variant: Mapping[str, Any]) -> "DraftArchitecture | CountedArchitecture":
        """What is trained, or was, with these settings.

        Raises:
            ValueError: settings that it does not have.
        """
        assert self.architecture is not None
        settings = self._variant(variant)
        return self.architecture(settings) if self.variant.model_fields else self.architecture()

    def _variant(self, given: Mapping[str, Any]) -> BaseModel:
        return parse(self.variant, dict(given), source=f"variant of {self.name}")

    @property
    def may_be_cut(self) -> bool:
        """Whether a controller may choose among its candidates, since what it says does not hang on them."""
        return not (self.draws or self.lossy)

    @property
    def made_by(self) -> Origin | None:
        """Whose code it is, where it is none of this repository's."""
        return origin_of(self.build, GROUP)


def told(settings: BaseModel) -> dict[str, JsonValue]:
    """Settings without those that are the defaults."""
    found: dict[str, JsonValue] = settings.model_dump(mode="json", exclude_defaults=True)
    return found
