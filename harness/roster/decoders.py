"""Who competes: every decoder of this repository in explicit tables, and those that other distributions add.

Those that run in offbook's loop stand here, of them those with a trained network in `networks`, the others in
`own_loops`. A contender of another distribution is a
`Contender` object named by an entry point of the group `offbook.contenders`. Nothing is imported for a contender before
it is built.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.roster.contender import GROUP, Contender, Options
from offbook.harness.roster.decoder_options import (
    NgramTableOptions,
    PromptLookupOptions,
    SpeculativeSamplingOptions,
    SuffixOptions,
    TokenRecyclingOptions,
)
from offbook.harness.roster.draft_model import load_draft_model
from offbook.harness.roster.entrants import by_name, with_added
from offbook.harness.roster.networks import NETWORKS
from offbook.harness.roster.own_loops import OWN_LOOPS
from offbook.harness.roster.trained import trained_folder

if TYPE_CHECKING:
    from offbook.engine.decoding.decoder import Decoder
    from offbook.engine.drafters.ngrams import CountedArchitecture
    from offbook.harness.roster.target import Target

BASELINE = "autoregressive"


def _autoregressive(target: "Target", options: Options, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.autoregressive import Autoregressive

    return target.speculative(Autoregressive())


def _prompt_lookup(target: "Target", options: PromptLookupOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.prompt_lookup import PromptLookup

    return target.speculative(PromptLookup(max_ngram=options.max_ngram, num_tokens=options.num_tokens))


def _suffix(target: "Target", options: SuffixOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.suffix import Suffix

    return target.speculative(Suffix(**options.model_dump()))


def _token_recycling(target: "Target", options: TokenRecyclingOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.token_recycling import TokenRecycling

    return target.speculative(TokenRecycling(nodes=options.nodes, memory=options.memory))


def _speculative_sampling(target: "Target", options: SpeculativeSamplingOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.speculative_sampling import LanguageModelDrafter
    from offbook.engine.decoding.backbone import Backbone

    backbone = Backbone(load_draft_model(target, options)).under(target.backbone.layout.name)
    size = target.backbone.embedding_VH.shape[0]
    return target.speculative(LanguageModelDrafter(backbone, gamma=options.gamma, vocab_size=size))


def _ngram_table(target: "Target", options: NgramTableOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.ngram_table import NgramTable, Table
    from offbook.engine.drafters.counted import load_counts

    architecture = _ngram_table_architecture()
    counts = load_counts(
        trained_folder(drafter, architecture.name),
        architecture,
        vocab_size=target.backbone.embedding_VH.shape[0],
        target=target.identity,
        base=target.base,
    )
    return target.speculative(NgramTable(Table(counts), nodes=options.nodes, least=options.least))


def _ngram_table_architecture() -> "CountedArchitecture":
    from offbook.baselines.decoding.ngram_table import ARCHITECTURE

    return ARCHITECTURE


IN_LOOP: dict[str, Contender] = {
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
        tries=({}, {"max_ngram": 2}, {"max_ngram": 5}),
        by_default=True,
    ),
    "suffix": Contender(
        name="suffix",
        summary="suffix decoding (arXiv:2411.04975): a tree of what followed the end of the text before, by counts",
        build=_suffix,
        options=SuffixOptions,
        tries=({}, {"nodes": 15, "least": 0.05}),
    ),
    "token_recycling": Contender(
        name="token_recycling",
        summary="Token Recycling (arXiv:2408.08696): a tree of the successors the target found likeliest the last time",
        build=_token_recycling,
        options=TokenRecyclingOptions,
    ),
    "speculative_sampling": Contender(
        name="speculative_sampling",
        summary="speculative sampling (arXiv:2211.17192): a smaller model or the target's first layers draft a chain",
        build=_speculative_sampling,
        options=SpeculativeSamplingOptions,
        draws=True,
    ),
    "ngram_table": Contender(
        name="ngram_table",
        summary="a tree by counts of n-grams in the target's own training answers, and in the text so far",
        build=_ngram_table,
        options=NgramTableOptions,
        tries=({}, {"least": 0.2}, {"least": 0.3}),
        architecture=_ngram_table_architecture,
        counted=True,
    ),
}
DECODERS = {**IN_LOOP, **NETWORKS, **OWN_LOOPS}


def default_decoders() -> tuple[str, ...]:
    """Names of those who are compared where nobody says whom; what somebody installs changes nothing about it."""
    return tuple(name for name, chosen in DECODERS.items() if chosen.by_default)


def contenders() -> Mapping[str, Contender]:
    """The table, and what entry points add to it.

    Raises:
        ValueError: an entry point that names no `Contender`, or takes a name that is taken.
    """
    return with_added(DECODERS, Contender, GROUP)


def contender(name: str) -> Contender:
    """One contender by name.

    Raises:
        ValueError: there is none; the nearest name is suggested.
    """
    return by_name(name, contenders(), "decoder")
