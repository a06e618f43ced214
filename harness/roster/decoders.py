"""Who competes: every decoder of this repository in one explicit table, and those that other distributions add.

A contender of another distribution is a `Contender` object named by an entry point of the group
`offbook.contenders`. Nothing is imported for a contender before it is built.
"""

import difflib
import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from offbook.engine.quoting import quoted
from offbook.harness.records.origin import Origin
from offbook.harness.roster.origin import origin_of

if TYPE_CHECKING:
    from offbook.engine.decoding.decoder import Decoder
    from offbook.engine.drafters.architecture import DraftArchitecture
    from offbook.harness.roster.target import Target

GROUP = "offbook.contenders"
BASELINE = "autoregressive"


class Named(Protocol):
    """Whoever is asked for by name."""

    @property
    def name(self) -> str:
        """Unique in its table."""
        ...


Entrant = TypeVar("Entrant", bound=Named)


class Options(BaseModel):
    """Settings of a contender; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PromptLookupOptions(Options):
    """See `baselines.decoding.prompt_lookup`."""

    max_ngram: int = Field(default=3, ge=1)
    num_tokens: int = Field(default=10, ge=1, le=1024)


class TreeOptions(Options):
    """See `engine.decoding.feature_draft.TreeConfig`; `total_tokens` counts the root."""

    total_tokens: int = Field(default=16, ge=2)
    depth: int = Field(default=3, ge=1)
    top_k: int = Field(default=8, ge=1)


class TransformersPromptLookupOptions(Options):
    """See `baselines.decoding.transformers_generate`."""

    prompt_lookup_num_tokens: int = Field(default=10, ge=1)
    max_matching_ngram_size: int = Field(default=3, ge=1)  # transformers' own default is 2, PromptLookupOptions' is 3


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A decoding method.

    Attributes:
        name: how it is asked for.
        summary: one line.
        build: makes the decoder from the target, its options and the folder of its drafter (None without one).
        options: its settings and their defaults.
        architecture: for a contender with a trained drafter, what to train; imported when called.
        by_default: whether `offbook evaluate` compares it where nobody says whom; of this repository's table only.

    Raises:
        TypeError: one of these is something else.
    """

    name: str
    summary: str
    build: "Callable[[Target, Any, Path | None], Decoder]"
    options: type[BaseModel] = Options
    architecture: "Callable[[], DraftArchitecture] | None" = None
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
            ("architecture", "a function, or None", self.architecture is None or callable(self.architecture)),
        )
        for field, what, fits in wanted:
            if not fits:
                msg = (
                    f"Contender: {field}: expected {what}, got {quoted(getattr(self, field))}; see docs/your-decoder.md"
                )
                raise TypeError(msg)

    @property
    def made_by(self) -> Origin | None:
        """Whose code it is, where it is none of this repository's."""
        return origin_of(self.build, GROUP)


def _autoregressive(target: "Target", options: Options, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.autoregressive import Autoregressive

    return target.speculative(Autoregressive())


def _prompt_lookup(target: "Target", options: PromptLookupOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.prompt_lookup import PromptLookup

    return target.speculative(PromptLookup(max_ngram=options.max_ngram, num_tokens=options.num_tokens))


def _eagle2(target: "Target", options: TreeOptions, drafter: Path | None) -> "Decoder":
    return _feature_decoder(target, options, drafter, _eagle2_architecture())


def _eagle2_architecture() -> "DraftArchitecture":
    from offbook.baselines.decoding.eagle2 import ARCHITECTURE

    return ARCHITECTURE


def _jakiro(target: "Target", options: TreeOptions, drafter: Path | None) -> "Decoder":
    return _feature_decoder(target, options, drafter, _jakiro_architecture())


def _jakiro_architecture() -> "DraftArchitecture":
    from offbook.methods.jakiro.drafter import ARCHITECTURE

    return ARCHITECTURE


def _feature_decoder(
    target: "Target", options: TreeOptions, drafter: Path | None, architecture: "DraftArchitecture"
) -> "Decoder":
    from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
    from offbook.engine.drafters.checkpoint import load_drafter

    if drafter is None:
        msg = (
            f"{architecture.name}: expected a trained drafter, got none; make one with `offbook train-drafter "
            f"{architecture.name}` and name it with --drafter {architecture.name}=FOLDER"
        )
        raise ValueError(msg)
    tree = TreeConfig(total_tokens=options.total_tokens, depth=options.depth, top_k=options.top_k)
    loaded = load_drafter(
        drafter, target.backbone, {architecture.name: architecture}, target=target.identity, base=target.base
    )
    drafting = FeatureDrafter(target.backbone, loaded.network, loaded.head, tree=tree, contrast=architecture.contrast)
    return target.speculative(drafting)


def _hf_generate(target: "Target", options: Options, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.transformers_generate import TransformersGenerate

    return TransformersGenerate(target.backbone, target.detokenize)


def _hf_prompt_lookup(target: "Target", options: TransformersPromptLookupOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.transformers_generate import TransformersGenerate

    return TransformersGenerate(
        target.backbone,
        target.detokenize,
        prompt_lookup_num_tokens=options.prompt_lookup_num_tokens,
        max_matching_ngram_size=options.max_matching_ngram_size,
    )


DECODERS: dict[str, Contender] = {
    "autoregressive": Contender(
        name="autoregressive",
        summary="one token a forward, in offbook's loop; what the others are measured against",
        build=_autoregressive,
        by_default=True,
    ),
    "prompt_lookup": Contender(
        name="prompt_lookup",
        summary="candidates copied from earlier in the text, in offbook's loop",
        build=_prompt_lookup,
        options=PromptLookupOptions,
        by_default=True,
    ),
    "eagle2": Contender(
        name="eagle2",
        summary="EAGLE-2 (arXiv:2406.16858): one draft layer on the target's features, a dynamic tree",
        build=_eagle2,
        options=TreeOptions,
        architecture=_eagle2_architecture,
    ),
    "jakiro": Contender(
        name="jakiro",
        summary="Jakiro (arXiv:2502.06282): a mixture-of-experts draft layer, its last two levels in one pass",
        build=_jakiro,
        options=TreeOptions,
        architecture=_jakiro_architecture,
    ),
    "hf_generate": Contender(
        name="hf_generate",
        summary="transformers' own generate()",
        build=_hf_generate,
    ),
    "hf_prompt_lookup": Contender(
        name="hf_prompt_lookup",
        summary="transformers' own generate() with prompt lookup",
        build=_hf_prompt_lookup,
        options=TransformersPromptLookupOptions,
    ),
}


def default_decoders() -> tuple[str, ...]:
    """Names of those who are compared where nobody says whom; what somebody installs changes nothing about it."""
    return tuple(name for name, chosen in DECODERS.items() if chosen.by_default)


def contenders() -> Mapping[str, Contender]:
    """The table, and what entry points add to it.

    Raises:
        ValueError: an entry point that names no `Contender`, or takes a name that is taken.
    """
    return with_added(DECODERS, Contender, GROUP)


def with_added(own: Mapping[str, Entrant], kind: type[Entrant], group: str) -> Mapping[str, Entrant]:
    """A table of this repository, and what the entry points of a group add to it.

    Raises:
        ValueError: an entry point that names nothing of this kind, or takes a name that is taken.
    """
    merged = dict(own)
    for point in importlib.metadata.entry_points(group=group):
        try:
            entrant = point.load()
        except Exception as error:  # somebody else's module raises what it likes
            msg = (
                f"entry point {quoted(point.name)} of {group} ({point.value}): expected it to load, got "
                f"{type(error).__name__}: {' '.join(str(error).split())}; fix or uninstall that distribution"
            )
            raise ValueError(msg) from error
        if not isinstance(entrant, kind):
            msg = (
                f"entry point {quoted(point.name)} of {group} ({point.value}): expected a {kind.__name__}, got "
                f"{type(entrant).__name__}; fix or uninstall that distribution"
            )
            raise ValueError(msg)
        if entrant.name in merged:
            msg = (
                f"entry point {quoted(point.name)} of {group} ({point.value}): the name {quoted(entrant.name)} is "
                "taken; rename the contender or uninstall that distribution"
            )
            raise ValueError(msg)
        merged[entrant.name] = entrant
    return merged


def contender(name: str) -> Contender:
    """One contender by name.

    Raises:
        ValueError: there is none; the nearest name is suggested.
    """
    return by_name(name, contenders(), "decoder")


def by_name(name: str, known: Mapping[str, Entrant], kind: str) -> Entrant:
    """One entrant of a table.

    Raises:
        ValueError: there is none; the nearest name is suggested.
    """
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f" (did you mean {near[0]}?)" if near else ""
        msg = f"no {kind} {quoted(name)}{hint}: expected one of {', '.join(known)}"
        raise ValueError(msg)
    return known[name]
