"""Who competes: every decoder of this repository in one explicit table, and those that other distributions add.

A contender of another distribution is a `Contender` object named by an entry point of the group
`offbook.contenders`. Nothing is imported for a contender before it is built.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.roster.contender import GROUP, Contender, Options
from offbook.harness.roster.decoder_options import (
    LlamaCppOptions,
    LookupElseTreeOptions,
    MedusaOptions,
    NgramTableOptions,
    PromptLookupOptions,
    StaticTreeOptions,
    SuffixOptions,
    TokenRecyclingOptions,
    TransformersPromptLookupOptions,
    TreeOptions,
)
from offbook.harness.roster.entrants import by_name, with_added
from offbook.harness.roster.trained import dynamic_tree, feature_drafter, loaded_drafter, static_drafter, trained_folder

if TYPE_CHECKING:
    from offbook.engine.decoding.decoder import Decoder
    from offbook.engine.drafters.architecture import DraftArchitecture
    from offbook.engine.drafters.counted import CountedArchitecture
    from offbook.harness.roster.target import Target

BASELINE = "autoregressive"
# Trees of which a controller verifies a part: more levels cost more drafts.
TREES = tuple({"total_tokens": 32, "depth": depth} for depth in (1, 2, 3))


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


def _lookup_else_eagle2(target: "Target", options: LookupElseTreeOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.prompt_lookup import PromptLookup
    from offbook.engine.decoding.combination import Combination

    lookup = PromptLookup(max_ngram=options.max_ngram, num_tokens=options.num_tokens)
    network = feature_drafter(target, options, drafter, _eagle2_architecture())
    return target.speculative(Combination(lookup, network, sure=options.sure))


def _medusa(target: "Target", options: MedusaOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.medusa import MedusaDrafter

    loaded = loaded_drafter(target, drafter, _medusa_architecture())
    return target.speculative(
        MedusaDrafter(
            target.backbone,
            loaded.network,
            loaded.head,
            accuracy_IR=loaded.config["training"].get("rank_accuracy"),
            nodes=options.total_tokens - 1,
        )
    )


def _medusa_architecture() -> "DraftArchitecture":
    from offbook.baselines.decoding.medusa import ARCHITECTURE

    return ARCHITECTURE


def _eagle(target: "Target", options: StaticTreeOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.eagle import PUBLISHED

    shape = PUBLISHED.first(options.total_tokens - 1)
    return target.speculative(static_drafter(target, shape, drafter, _eagle2_architecture()))


def _eagle2_architecture() -> "DraftArchitecture":
    from offbook.baselines.decoding.eagle2 import ARCHITECTURE

    return ARCHITECTURE


def _eagle3_architecture() -> "DraftArchitecture":
    from offbook.baselines.decoding.eagle3.drafter import ARCHITECTURE

    return ARCHITECTURE


def _jakiro_architecture() -> "DraftArchitecture":
    from offbook.methods.jakiro.drafter import ARCHITECTURE

    return ARCHITECTURE


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


def _llama_cpp(target: "Target", options: LlamaCppOptions, drafter: Path | None) -> "Decoder":
    import torch

    from offbook.baselines.decoding.llama_cpp import LlamaCpp
    from offbook.engine.gguf_file import target_gguf
    from offbook.engine.llama_cpp_library import LlamaCppModel, require_package

    require_package()
    gguf = target_gguf(target.name, target.weights_sha256, target.device, named=options.gguf)
    size = target.backbone.embedding_VH.shape[0]
    runtime = LlamaCppModel(gguf, vocab_size=size, threads=torch.get_num_threads())
    return LlamaCpp(runtime, context_length=target.backbone.context_length, detokenize=target.detokenize)


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
    "ngram_table": Contender(
        name="ngram_table",
        summary="a tree by counts of n-grams in the target's own training answers, and in the text so far",
        build=_ngram_table,
        options=NgramTableOptions,
        architecture=_ngram_table_architecture,
        counted=True,
    ),
    "lookup_else_eagle2": Contender(
        name="lookup_else_eagle2",
        summary="prompt lookup where it is sure enough (the rule of arXiv:2411.10666), else EAGLE-2",
        build=_lookup_else_eagle2,
        options=LookupElseTreeOptions,
        architecture=_eagle2_architecture,
        drafter_of="eagle2",
    ),
    "medusa": Contender(
        name="medusa",
        summary="Medusa-1 (arXiv:2401.10774): a head for each position ahead, a tree of what these guess best",
        build=_medusa,
        options=MedusaOptions,
        architecture=_medusa_architecture,
    ),
    "eagle": Contender(
        name="eagle",
        summary="EAGLE (arXiv:2401.15077): EAGLE-2's draft layer under a static tree, drawn above temperature 0",
        build=_eagle,
        options=StaticTreeOptions,
        architecture=_eagle2_architecture,
        drafter_of="eagle2",
        draws=True,
    ),
    "eagle2": Contender(
        name="eagle2",
        summary="EAGLE-2 (arXiv:2406.16858): one draft layer on the target's features, a dynamic tree",
        build=dynamic_tree(_eagle2_architecture),
        options=TreeOptions,
        architecture=_eagle2_architecture,
        tries=TREES,
    ),
    "eagle3": Contender(
        name="eagle3",
        summary="EAGLE-3 (arXiv:2503.01840): a draft layer on three of the target's, trained on its own drafts",
        build=dynamic_tree(_eagle3_architecture),
        options=TreeOptions,
        architecture=_eagle3_architecture,
        tries=TREES,
    ),
    "jakiro": Contender(
        name="jakiro",
        summary="Jakiro (arXiv:2502.06282): a mixture-of-experts draft layer, its last two levels in one pass",
        build=dynamic_tree(_jakiro_architecture),
        options=TreeOptions,
        architecture=_jakiro_architecture,
        tries=TREES,
    ),
    "hf_generate": Contender(
        name="hf_generate",
        summary="transformers' own generate()",
        build=_hf_generate,
        layout="transformers",
    ),
    "hf_prompt_lookup": Contender(
        name="hf_prompt_lookup",
        summary="transformers' own generate() with prompt lookup",
        build=_hf_prompt_lookup,
        options=TransformersPromptLookupOptions,
        layout="transformers",
    ),
    "llama_cpp": Contender(
        name="llama_cpp",
        summary="llama.cpp on the same weights, activations rounded to 8 bits: fast, and not the target's own answers",
        build=_llama_cpp,
        options=LlamaCppOptions,
        layout="llama.cpp",
        outside=True,
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


def contender(name: str) -> Contender:
    """One contender by name.

    Raises:
        ValueError: there is none; the nearest name is suggested.
    """
    return by_name(name, contenders(), "decoder")
