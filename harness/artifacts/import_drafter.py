"""`offbook import-drafter`: a draft model that others published, as a drafter for one target."""

from pathlib import Path

from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.published.convert import fit, write
from offbook.engine.drafters.published.files import PublishedDraft, read_published
from offbook.engine.drafters.published.formats import Format, recognised
from offbook.engine.progress import Progress
from offbook.harness.artifacts import drafters
from offbook.harness.artifacts.folders import RUNS, check_no_model
from offbook.harness.records.locks import locked
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import contenders
from offbook.harness.roster.target import load_target


def import_drafter(
    source: Path,
    model: str,
    progress: Progress,
    *,
    output: Path | None = None,
    dtype: str = "float32",
    device: str = "auto",
    revision: str | None = None,
) -> Path:
    """Writes the drafter and returns its folder; one that is there already stays as it is.

    Args:
        source: the folder in its authors' layout.
        model: the target, by alias, folder or id.
        progress: is told what its user should know.
        output: the drafter's folder; by default named by what determines it, under `runs/`.
        dtype: in which the target is loaded.
        device: auto, cpu or cuda.
        revision: of a Hugging Face id.

    Raises:
        ValueError: no draft model that offbook reads, one of another target, a folder with a model that is no drafter,
            or what `load_target` refuses.
    """
    if output is not None:
        check_no_model(output, "a drafter's folder", ours=drafters.is_one(output))
    draft = read_published(source)
    known = recognised(draft)
    chosen = _contender(draft, known)
    assert chosen.architecture is not None
    architecture = chosen.trained({})
    assert isinstance(architecture, DraftArchitecture), "what others publish is trained"
    target = load_target(model, dtype=dtype, device=device, revision=revision, layout="transformers")
    fitted = fit(draft, known, architecture, target.backbone, target=target.identity)
    folder = output or RUNS / f"drafter-{chosen.name}-{fitted.fingerprint[:12]}"
    for note in fitted.notes:
        progress.say(note)
    with locked(folder, f"import of {chosen.name}", progress.say):
        write(fitted, folder)
    decoders = [c for c in contenders().values() if chosen.name in (c.name, c.drafter_of)]
    users = [f"{c.name}{' (lossy)' * c.lossy}" for c in decoders]
    parameters = sum(weight.numel() for weight in fitted.network.parameters())
    progress.say(f"{known.name}, {parameters:,} parameters, for --drafter of {', '.join(users)}")
    return folder


def _contender(draft: PublishedDraft, known: Format) -> Contender:
    """Who decodes with it.

    Raises:
        ValueError: nobody of the roster.
    """
    wanted = known.like or known.name
    found = next((c for c in contenders().values() if c.published == wanted and c.architecture is not None), None)
    if found is None:
        msg = (
            f"{draft.place}: expected a draft model that a decoder of `offbook ls` takes, got {known.name}, which none "
            "takes; update offbook"
        )
        raise ValueError(msg)
    return found
