"""Those whose drafter is a trained network, in offbook's loop; the other decoders stand in `decoders`."""

from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.roster.contender import Contender, told
from offbook.harness.roster.decoder_options import (
    Eagle2Variant,
    Eagle3Variant,
    JakiroDecoupledOptions,
    JakiroDecoupledVariant,
    JakiroOptions,
    JakiroVariant,
    LookupElseTreeOptions,
    MedusaOptions,
    MedusaTypicalOptions,
    MedusaVariant,
    StaticTreeOptions,
    TreeOptions,
)
from offbook.harness.roster.trained import feature_drafter, loaded_drafter, static_drafter

if TYPE_CHECKING:
    from offbook.engine.decoding.decoder import Decoder
    from offbook.engine.decoding.drafter import Drafter
    from offbook.engine.drafters.architecture import DraftArchitecture
    from offbook.harness.roster.target import Target

# Trees of which a controller verifies a part: more levels cost more drafts.
TREES = tuple({"total_tokens": 32, "depth": depth} for depth in (1, 2, 3))
SCHEMES = tuple(
    {"tree": tree, "scheme": scheme} for tree in ("static", "dynamic") for scheme in ("mixture", "first", "turns")
)


def _lookup_else_eagle2(target: "Target", options: LookupElseTreeOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.prompt_lookup import PromptLookup
    from offbook.engine.decoding.combination import Combination

    lookup = PromptLookup(max_ngram=options.max_ngram, num_tokens=options.num_tokens)
    network = feature_drafter(target, options, drafter, NETWORKS["eagle2"])
    return target.speculative(Combination(lookup, network, sure=options.sure))


def _medusa(target: "Target", options: MedusaOptions, drafter: Path | None) -> "Decoder":
    return target.speculative(_medusa_drafter(target, options, drafter))


def _medusa_typical(target: "Target", options: MedusaTypicalOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.medusa_typical import TypicalAcceptance

    rule = TypicalAcceptance(epsilon=options.epsilon, delta=options.delta)
    return target.speculative(_medusa_drafter(target, options, drafter), verifier=rule)


def _medusa_drafter(target: "Target", options: MedusaOptions, drafter: Path | None) -> "Drafter":
    from offbook.baselines.decoding.medusa.drafter import MedusaDrafter

    loaded = loaded_drafter(target, drafter, NETWORKS["medusa"])
    accuracy_IR = loaded.config["training"].get("rank_accuracy")
    return MedusaDrafter(
        target.backbone, loaded.network, loaded.head, accuracy_IR=accuracy_IR, nodes=options.total_tokens - 1
    )


def _medusa_architecture(variant: MedusaVariant) -> "DraftArchitecture":
    from offbook.baselines.decoding.medusa.architecture import architecture

    return architecture(**variant.model_dump(), variant=told(variant))


def _eagle(target: "Target", options: StaticTreeOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.eagle import PUBLISHED

    shape = PUBLISHED.first(options.total_tokens - 1)
    return target.speculative(static_drafter(target, shape, drafter, NETWORKS["eagle2"]))


def _eagle2(target: "Target", options: TreeOptions, drafter: Path | None) -> "Decoder":
    return target.speculative(feature_drafter(target, options, drafter, NETWORKS["eagle2"]))


def _eagle2_architecture(variant: Eagle2Variant) -> "DraftArchitecture":
    from offbook.baselines.decoding.eagle2 import architecture

    return architecture(**variant.model_dump(), variant=told(variant))


def _eagle3(target: "Target", options: TreeOptions, drafter: Path | None) -> "Decoder":
    return target.speculative(feature_drafter(target, options, drafter, NETWORKS["eagle3"]))


def _eagle3_architecture(variant: Eagle3Variant) -> "DraftArchitecture":
    from offbook.baselines.decoding.eagle3.drafter import architecture

    return architecture(**variant.model_dump(), variant=told(variant))


def _jakiro(target: "Target", options: JakiroOptions, drafter: Path | None) -> "Decoder":
    chosen = NETWORKS["jakiro"]
    return target.speculative(feature_drafter(target, options, drafter, chosen, parallel=options.parallel))


def _jakiro_architecture(variant: JakiroVariant) -> "DraftArchitecture":
    from offbook.methods.jakiro.drafter import architecture

    return architecture(**variant.model_dump(), variant=told(variant))


def _jakiro_decoupled(target: "Target", options: JakiroDecoupledOptions, drafter: Path | None) -> "Decoder":
    from functools import partial

    from offbook.methods.jakiro.decoupled import PUBLISHED
    from offbook.methods.jakiro.schemes import ExpertsApart

    chosen, readout = NETWORKS["jakiro_decoupled"], partial(ExpertsApart, scheme=options.scheme)
    if options.tree == "dynamic":
        return target.speculative(feature_drafter(target, options.dynamic, drafter, chosen, readout=readout))
    shape = PUBLISHED.first(options.total_tokens - 1)
    return target.speculative(static_drafter(target, shape, drafter, chosen, readout=readout))


def _jakiro_decoupled_architecture(variant: JakiroDecoupledVariant) -> "DraftArchitecture":
    from offbook.methods.jakiro.decoupled import architecture

    return architecture(**variant.model_dump(), variant=told(variant))


NETWORKS: dict[str, Contender] = {
    "lookup_else_eagle2": Contender(
        name="lookup_else_eagle2",
        summary="prompt lookup where it is sure enough (the rule of arXiv:2411.10666), else EAGLE-2",
        build=_lookup_else_eagle2,
        options=LookupElseTreeOptions,
        architecture=_eagle2_architecture,
        variant=Eagle2Variant,
        drafter_of="eagle2",
    ),
    "medusa": Contender(
        name="medusa",
        summary="Medusa-1 (arXiv:2401.10774): a head for each position ahead, a tree of what these guess best",
        build=_medusa,
        options=MedusaOptions,
        architecture=_medusa_architecture,
        variant=MedusaVariant,
        published="Medusa-1",
    ),
    "medusa_typical": Contender(
        name="medusa_typical",
        summary="LOSSY: Medusa's heads under typical acceptance, another law than the target's above temperature 0",
        build=_medusa_typical,
        options=MedusaTypicalOptions,
        architecture=_medusa_architecture,
        variant=MedusaVariant,
        drafter_of="medusa",
        lossy=True,
    ),
    "eagle": Contender(
        name="eagle",
        summary="EAGLE (arXiv:2401.15077): EAGLE-2's draft layer under a static tree, drawn above temperature 0",
        build=_eagle,
        options=StaticTreeOptions,
        architecture=_eagle2_architecture,
        variant=Eagle2Variant,
        drafter_of="eagle2",
        draws=True,
    ),
    "eagle2": Contender(
        name="eagle2",
        summary="EAGLE-2 (arXiv:2406.16858): one draft layer on the target's features, a dynamic tree",
        build=_eagle2,
        options=TreeOptions,
        architecture=_eagle2_architecture,
        variant=Eagle2Variant,
        published="EAGLE-1 or EAGLE-2",
        tries=TREES,
    ),
    "eagle3": Contender(
        name="eagle3",
        summary="EAGLE-3 (arXiv:2503.01840): a draft layer on three of the target's, trained on its own drafts",
        build=_eagle3,
        options=TreeOptions,
        architecture=_eagle3_architecture,
        variant=Eagle3Variant,
        published="EAGLE-3",
        tries=TREES,
    ),
    "jakiro": Contender(
        name="jakiro",
        summary="Jakiro (arXiv:2502.06282): a mixture-of-experts draft layer, its last two levels in one pass",
        build=_jakiro,
        options=JakiroOptions,
        architecture=_jakiro_architecture,
        variant=JakiroVariant,
        published="Jakiro",
        tries=TREES,
    ),
    "jakiro_decoupled": Contender(
        name="jakiro_decoupled",
        summary="Jakiro's experts decoupled (Jakiro*): candidates of all their heads, drawn above temperature 0, exact",
        build=_jakiro_decoupled,
        options=JakiroDecoupledOptions,
        architecture=_jakiro_decoupled_architecture,
        variant=JakiroDecoupledVariant,
        draws=True,
        tries=SCHEMES,
    ),
}
