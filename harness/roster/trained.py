"""What contenders with a trained drafter share when they are built. Imported when one is."""

from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.roster.decoder_options import TreeOptions

if TYPE_CHECKING:
    from offbook.engine.decoding.feature_draft import FeatureDrafter
    from offbook.engine.drafters.architecture import DraftArchitecture
    from offbook.engine.drafters.checkpoint import LoadedDrafter
    from offbook.harness.roster.target import Target


def feature_drafter(
    target: "Target", options: TreeOptions, drafter: Path | None, architecture: "DraftArchitecture"
) -> "FeatureDrafter":
    """A trained draft layer under a dynamic tree.

    Raises:
        ValueError: see `loaded_drafter`, or a tree that cannot be.
    """
    from offbook.engine.decoding.draft_network import DraftNetwork
    from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig

    tree = TreeConfig(total_tokens=options.total_tokens, depth=options.depth, top_k=options.top_k)
    loaded = loaded_drafter(target, drafter, architecture)
    assert isinstance(loaded.network, DraftNetwork)
    return FeatureDrafter(target.backbone, loaded.network, loaded.head, tree=tree, contrast=architecture.contrast)


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
