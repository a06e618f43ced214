"""The card of a student or a drafter: README.md with the hub's metadata, and `.eval_results` where there are any.

It says what the checkpoint is, how it was trained, its rows of the tables, and whether decoding with it was certified,
from its own record and from records of these very weights; of anything else it says nothing. The metadata are those of
https://huggingface.co/docs/hub/model-cards, written by `huggingface_hub`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import ModelCard, ModelCardData

from offbook.engine.text import read_json
from offbook.harness.interchange.certified import Certified
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.roster.drafter_info import CONFIG
from offbook.harness.roster.trained_on import RECORD
from offbook.harness.tables.markdown import escape

README, CERTIFICATE = "README.md", "certificate.json"


@dataclass(frozen=True, kw_only=True)
class CardContent:
    """What a card says.

    Attributes:
        data: the hub's metadata.
        title: what it is called.
        about: what it is, a paragraph.
        training: how it was made, by what people call each setting.
        measured: paragraphs and tables of Markdown.
        certified: paragraphs on losslessness.
        use: how it is run, blocks of Markdown.
        files: further files that belong to the card, by name.
    """

    data: ModelCardData
    title: str
    about: str
    training: Mapping[str, object]
    measured: Sequence[str]
    certified: Sequence[str]
    use: Sequence[str]
    files: Mapping[str, str] = field(default_factory=dict)


def card_files(folder: Path, held: Sequence[Cell | Exam] = (), certificate: Certified | None = None) -> dict[str, str]:
    """The card of a checkpoint and what belongs to it, text by name.

    Args:
        folder: of a student or a trained drafter.
        held: records, of which those of these weights are told.
        certificate: of decoding with it.

    Raises:
        ValueError: neither student nor drafter, a damaged one, or a certificate of something else.
    """
    from offbook import __version__
    from offbook.harness.interchange.drafter_card import told_of_drafter
    from offbook.harness.interchange.student_card import told_of_student

    told = (
        told_of_student(folder, held, certificate)
        if (folder / RECORD).is_file()
        else told_of_drafter(_drafter(folder), held, certificate)
    )
    made = f"Written by `offbook export card` of offbook {__version__}, from records and nothing else."
    parts = [
        f"# {escape(told.title)}",
        told.about,
        "## How it was trained",
        _table(told.training),
        "## What was measured",
        *told.measured,
        "## Is decoding with it lossless?",
        *told.certified,
        "## Use",
        *told.use,
        made,
    ]
    files = {README: _with_metadata(told.data, "\n\n".join(parts) + "\n"), **told.files}
    return files if certificate is None else files | {CERTIFICATE: certificate.text}


def certificates(certificate: Certified | None, found: Mapping[str, str]) -> list[str]:
    """What is known of losslessness.

    Args:
        certificate: of `offbook certify`.
        found: what the heats of records found, by who was tested on what.
    """
    told: list[str] = []
    if certificate is not None:
        told += [f"`offbook certify` ([{CERTIFICATE}]({CERTIFICATE})):", escape(certificate.paragraph)]
    if found:
        told += ["In the heats that it took part in, document by document:", _table(found, ("Decoder", "Found"))]
    return told or ["Nobody has asked yet: `offbook certify` puts a decoder to every test there is."]


def _drafter(folder: Path) -> Path:
    """The folder, if it holds a drafter.

    Raises:
        ValueError: it holds neither.
    """
    found = read_json(folder / CONFIG, what="a student's or a drafter's folder", remedy="check the path")
    if not isinstance(found, dict) or "architecture" not in found or not isinstance(found.get("target"), dict):
        msg = (
            f"{folder}: expected a student of `offbook train-student` ({RECORD}) or a drafter of `offbook "
            "train-drafter`, found a model that is neither; name another folder"
        )
        raise ValueError(msg)
    return folder


def _table(rows: Mapping[str, object], heading: tuple[str, str] = ("", "")) -> str:
    lines = [f"| {heading[0]} | {heading[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| {escape(name)} | {escape(str(value))} |" for name, value in rows.items())])


def _with_metadata(data: ModelCardData, text: str) -> str:
    """The hub's metadata and the text, read once as the hub reads it."""
    card = ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}")
    return str(card)
