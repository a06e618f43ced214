"""A trained drafter in the layout in which its method's authors publish theirs, so that other engines can load it.

`offbook import-drafter` takes it over again, for a target of the same vocabulary, and it drafts as before.
"""

from pathlib import Path

from offbook.engine.drafters.checkpoint import read_config
from offbook.engine.drafters.published.writing import WRITTEN, write_published
from offbook.engine.quoting import quoted
from offbook.harness.roster.decoders import contenders
from offbook.harness.roster.drafter_info import variant_of

# Settings of the training alone, and one that the sizes tell; any other is part of how its network is read.
OF_TRAINING = ("likeliest", "passes", "ttt_steps", "weighting", "width")


def export_drafter(drafter: Path, folder: Path) -> str:
    """Writes the draft model and returns the name of its layout; an earlier export in the folder is replaced.

    Args:
        drafter: a folder of `offbook train-drafter`.
        folder: of the draft model: new, or with an earlier export.

    Raises:
        ValueError: no trained drafter, one whose layout is not written, a variant that the layout knows nothing of, or
            a folder with something else in it.
        OSError: it cannot be written; it names the path.
    """
    layouts = {c.name: c.published for c in contenders().values() if c.published in WRITTEN}
    config = read_config(drafter, layouts)
    name = config["architecture"]
    layout = layouts[name]
    assert layout is not None
    if foreign := {key: value for key, value in variant_of(drafter).items() if key not in OF_TRAINING}:
        msg = (
            f"{drafter}: expected a drafter that the layout of {layout} has a place for, got a variant of {name} with "
            f"{quoted(foreign)}; give its folder as it is to whoever has offbook"
        )
        raise ValueError(msg)
    _check_room(folder, drafter)
    write_published(drafter, config, folder, format_name=layout)
    return layout


def _check_room(folder: Path, drafter: Path) -> None:
    """Nobody's model is written over, least of all the drafter itself.

    Raises:
        ValueError: the folder holds one that is no export.
    """
    if not folder.is_dir():
        return
    own = {"config.json", "model.safetensors"}
    found = {path.name for path in folder.iterdir() if path.name[0] != "."}
    if not found or (found <= own and folder.resolve() != drafter.resolve() and _is_export(folder)):
        return
    msg = f"--output {folder}: expected a new folder or an exported drafter, got one with {min(found)}; choose another"
    raise ValueError(msg)


def _is_export(folder: Path) -> bool:
    """Whether a folder with these two files is a draft model in a layout of others, and no drafter of offbook's."""
    from offbook.engine.drafters.published.files import read_published
    from offbook.engine.drafters.published.formats import recognised

    try:
        return recognised(read_published(folder)).name in WRITTEN
    except ValueError:
        return False
