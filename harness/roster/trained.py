"""What contenders with a trained drafter share when they are built. Imported when one is."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.roster.decoder_options import TreeOptions
from offbook.harness.roster.drafter_info import variant_of

if TYPE_CHECKING:
    from offbook.engine.decoding.draft_head import Head
    from offbook.engine.decoding.feature_draft import FeatureDrafter
    from offbook.engine.decoding.readout import Readout
    from offbook.engine.decoding.static_draft import RankTree, StaticDrafter
    from offbook.engine.drafters.checkpoint import LoadedDrafter
    from offbook.harness.roster.contender import Contender
    from offbook.harness.roster.target import Target


def feature_drafter(
    target: "Target",
    options: TreeOptions,
    drafter: Path | None,
    whose: "Contender",
    *,
    parallel: bool = True,
    readout: "Callable[[Head], Readout] | None" = None,
) -> "FeatureDrafter":
    """A trained draft layer under a dynamic tree.

    Args:
        target: what it drafts for.
        options: of the tree.
        drafter: its folder.
        whose: the contender whose layer it is.
        parallel: the last two levels in one pass, if it learned that.
        readout: what makes candidates of its predictions; None where it predicts one feature a row.

    Raises:
        ValueError: see `loaded_drafter`, or a tree that cannot be.
    """
    from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
    from offbook.engine.decoding.feature_network import FeatureNetwork
    from offbook.engine.decoding.readout import OneFeature

    tree = TreeConfig(total_tokens=options.total_tokens, depth=options.depth, top_k=options.top_k)
    loaded = loaded_drafter(target, drafter, whose)
    assert isinstance(loaded.network, FeatureNetwork)
    contrast = loaded.architecture.contrast and parallel
    return FeatureDrafter(
        target.backbone,
        loaded.network,
        loaded.head,
        tree=tree,
        contrast=contrast,
        readout=readout or OneFeature,
        coupled=options.coupled,
    )


def static_drafter(
    target: "Target",
    shape: "RankTree",
    drafter: Path | None,
    whose: "Contender",
    *,
    readout: "Callable[[Head], Readout] | None" = None,
) -> "StaticDrafter":
    """A trained draft layer under a tree of this shape; `readout` as for `feature_drafter`.

    Raises:
        ValueError: see `loaded_drafter`.
    """
    from offbook.engine.decoding.feature_network import FeatureNetwork
    from offbook.engine.decoding.readout import OneFeature
    from offbook.engine.decoding.static_draft import StaticDrafter

    loaded = loaded_drafter(target, drafter, whose)
    assert isinstance(loaded.network, FeatureNetwork)
    return StaticDrafter(target.backbone, loaded.network, loaded.head, shape=shape, readout=readout or OneFeature)


def loaded_drafter(target: "Target", drafter: Path | None, whose: "Contender") -> "LoadedDrafter":
    """The network and head of a contender's drafter, as its checkpoint says that they were trained.

    Raises:
        ValueError: no folder, or none with a drafter of this kind for this target.
    """
    from offbook.engine.drafters.architecture import DraftArchitecture
    from offbook.engine.drafters.checkpoint import load_drafter, read_config

    folder = trained_folder(drafter, whose.name)
    read_config(folder, {whose.name})  # before anything is read into its variant
    architecture = whose.trained(variant_of(folder))
    assert isinstance(architecture, DraftArchitecture)
    return load_drafter(folder, target.backbone, {whose.name: architecture}, target=target.identity, base=target.base)


def trained_folder(drafter: Path | None, name: str) -> Path:
    """The folder.

    Raises:
        ValueError: none was given.
    """
    if drafter is None:
        msg = (
            f"{name}: expected a trained drafter, got none; make one with `offbook train-drafter {name}` and name it "
            f"with --drafter {name}=FOLDER"
        )
        raise ValueError(msg)
    return drafter
