"""What contenders with a trained drafter share when they are built. Imported when one is."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.roster.decoder_options import TreeOptions

if TYPE_CHECKING:
    from offbook.engine.decoding.decoder import Decoder
    from offbook.engine.decoding.feature_draft import FeatureDrafter
    from offbook.engine.decoding.static_draft import RankTree, StaticDrafter
    from offbook.engine.drafters.architecture import DraftArchitecture
    from offbook.engine.drafters.checkpoint import LoadedDrafter
    from offbook.harness.roster.target import Target


def dynamic_tree(
    architecture: "Callable[[], DraftArchitecture]",
) -> "Callable[[Target, TreeOptions, Path | None], Decoder]":
    """How a contender is built that is a trained draft layer under a dynamic tree, and nothing else."""

    def build(target: "Target", options: TreeOptions, drafter: Path | None) -> "Decoder":
        return target.speculative(feature_drafter(target, options, drafter, architecture()))

    return build


def feature_drafter(
    target: "Target", options: TreeOptions, drafter: Path | None, architecture: "DraftArchitecture"
) -> "FeatureDrafter":
    """A trained draft layer under a dynamic tree.

    Raises:
        ValueError: see `loaded_drafter`, or a tree that cannot be.
    """
    from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
    from offbook.engine.decoding.feature_network import FeatureNetwork

    tree = TreeConfig(total_tokens=options.total_tokens, depth=options.depth, top_k=options.top_k)
    loaded = loaded_drafter(target, drafter, architecture)
    assert isinstance(loaded.network, FeatureNetwork)
    return FeatureDrafter(target.backbone, loaded.network, loaded.head, tree=tree, contrast=architecture.contrast)


def static_drafter(
    target: "Target", shape: "RankTree", drafter: Path | None, architecture: "DraftArchitecture"
) -> "StaticDrafter":
    """A trained draft layer under a tree of this shape.

    Raises:
        ValueError: see `loaded_drafter`.
    """
    from offbook.engine.decoding.feature_network import FeatureNetwork
    from offbook.engine.decoding.static_draft import StaticDrafter

    loaded = loaded_drafter(target, drafter, architecture)
    assert isinstance(loaded.network, FeatureNetwork)
    return StaticDrafter(target.backbone, loaded.network, loaded.head, shape=shape)


def loaded_drafter(target: "Target", drafter: Path | None, architecture: "DraftArchitecture") -> "LoadedDrafter":
    """A contender's network and head.

    Raises:
        ValueError: no folder, or none with a drafter of this kind for this target.
    """
    from offbook.engine.drafters.checkpoint import load_drafter

    return load_drafter(
        trained_folder(drafter, architecture.name),
        target.backbone,
        {architecture.name: architecture},
        target=target.identity,
        base=target.base,
    )


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
