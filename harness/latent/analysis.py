"""`offbook analyse-latent`: what perspectives leave in a student's hidden states, held against its base model.

    latent.md                 definitions and tables
    *.csv                     the tables with every digit
    *.png                     maps of states, similarity layer by layer, weights over training
    states/                   what every model made of the texts; an interrupted analysis goes on from there

The base model reads all that the students read: it is the control that tells what lies in the wording from what lies in
a student. Measures: `methods/mind/latent`; who reads what: `latent_session.py`; tables: `latent_tables.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from offbook.engine.files import atomic_write_bytes, atomic_write_text
from offbook.engine.paths import user_path
from offbook.engine.pretrained import resolve
from offbook.engine.progress import Progress
from offbook.engine.quoting import quoted_path
from offbook.harness.latent.cka import debiased_cka, linear_cka
from offbook.harness.latent.hidden_states import Reading
from offbook.harness.latent.libraries import require_libraries
from offbook.harness.latent.pictures import SEEDS, curves_picture, map_picture, tsne
from offbook.harness.latent.preference import ALPHA, Row, binned, read_preference
from offbook.harness.latent.separability import Floats, compress, length_features
from offbook.harness.latent.session import GENERIC, Session, Subject, read_questions
from offbook.harness.latent.tables import (
    BASE,
    consistency_table,
    described,
    divergence_row,
    preference_table,
    separability_row,
    summary,
)
from offbook.harness.records.manifest import machine_line
from offbook.harness.records.model_names import shown_model
from offbook.harness.roster.command_line import process_manifest
from offbook.harness.roster.target import resolve_device, resolve_dtype
from offbook.harness.tables.csv_file import to_csv

NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, kw_only=True)
class LatentSpec:
    """What to analyse; the attributes are the command's options.

    Attributes:
        base: alias, folder or id of the untouched model.
        students: folders of models trained from it, by the name that the tables call them.
        corpus: a rationale corpus; None for procedural questions of the development split.
        questions: of its questions to read, evenly over it; as many texts out of distribution, as many generic ones.
        encoder: alias, folder or id of the text encoder that is a control.
        output: folder.
        device: "auto" or a device of torch.
        dtype: of the weights; means of states are fp32.
        seed: of folds, mixture and maps.
    """

    base: str
    students: Mapping[str, str]
    corpus: Path | None
    questions: int
    encoder: str
    output: Path
    device: str
    dtype: str
    seed: int


def analyse(spec: LatentSpec, progress: Progress) -> Path:
    """Writes the analysis; returns the path of its summary.

    Raises:
        ValueError: a library, a model or a corpus that is not there or does not fit.
    """
    require_libraries()
    for name, folder in spec.students.items():
        if not Path(folder).is_dir():
            msg = f"--student {name}: expected a folder, got {folder}, which is none; check the path"
            raise ValueError(msg)
        resolve(folder)
    dtype, device = resolve_dtype(spec.dtype), resolve_device(spec.device)
    corpus = read_questions(spec.corpus, spec.questions)
    preference = _preference(spec.students, progress)
    base = Subject(BASE, spec.base, dtype=dtype, device=device)
    session = Session(base, corpus, n_texts=spec.questions, states=spec.output / "states", progress=progress)

    readings = {BASE: session.reading(base)}
    similarity, divergence = [], []
    for name, folder in spec.students.items():
        student = Subject(name, folder, dtype=dtype, device=device)
        readings[name] = session.reading(student)
        similarity += _similarity(session, student, readings)
        divergence += [divergence_row(name, kind, session.divergence(student, kind)) for kind in GENERIC]
        student.release()
    base.release()
    separability, last_layers = _separability(session, readings, spec)

    tables = {
        "separability": pd.DataFrame(separability),
        "consistency": consistency_table(readings),
        "similarity": pd.DataFrame(similarity),
        "divergence": pd.DataFrame(divergence),
        "preference": preference_table(preference),
    }
    for name, table in described(**tables).items():
        atomic_write_text(spec.output / f"{name}.csv", to_csv(table))
    if similarity:
        atomic_write_bytes(spec.output / "similarity.png", _similarity_picture(tables["similarity"]))
    if preference:
        atomic_write_bytes(spec.output / "preference.png", _preference_picture(preference))
    _maps(session, last_layers, spec, progress)
    path = spec.output / "latent.md"
    atomic_write_text(path, summary(_heading(spec, session), machines=[machine_line(process_manifest())], **tables))
    return path


def parse_students(settings: Sequence[str]) -> dict[str, str]:
    """`mind=folder` as {"mind": "folder"}.

    Raises:
        ValueError: another shape, or a name that does not tell students apart.
    """
    folders: dict[str, str] = {}
    for setting in settings:
        name, _, folder = setting.partition("=")
        if not (NAME.fullmatch(name) and folder) or name == BASE or name in folders:
            msg = (
                f"--student {quoted_path(setting)}: expected NAME=FOLDER with a name of letters, digits, '-' and '_' "
                f"that is not {BASE!r} and not given twice, such as mind=runs/mind-0"
            )
            raise ValueError(msg)
        folders[name] = str(user_path(folder, what=f"--student {name}"))
    return folders


def _preference(students: Mapping[str, str], progress: Progress) -> dict[str, list[Row]]:
    preference = {}
    for name, folder in students.items():
        log = read_preference(Path(folder))
        if log is None:
            progress.say(f"{name}: no weights of perspectives in its training record, so no preference over training")
        else:
            preference[name] = binned(log)
    return preference


def _similarity(session: Session, student: Subject, readings: Mapping[str, Reading]) -> list[dict[str, object]]:
    """Rows of a student's likeness to its base model: texts of each kind, layer by layer."""
    before, after = readings[BASE], readings[student.name]
    states = {
        "rationales": (before.rationales_MLD, after.rationales_MLD),
        "questions": (before.prompts_NLD, after.prompts_NLD),
    }
    for kind in session.texts:
        states[kind] = (session.document_states(session.base, kind), session.document_states(student, kind))
    rows: list[dict[str, object]] = []
    for kind, (x_NLD, y_NLD) in states.items():
        for layer in range(x_NLD.shape[1]):
            x_ND, y_ND = x_NLD[:, layer], y_NLD[:, layer]
            rows.append(
                {
                    "student": student.name,
                    "texts": kind,
                    "layer": layer,
                    "n": len(x_ND),
                    "cka": linear_cka(x_ND, y_ND),
                    "cka_debiased": debiased_cka(x_ND, y_ND),
                    "shift": float(((y_ND - x_ND).norm(dim=1) / x_ND.norm(dim=1)).mean()),
                }
            )
    return rows


def _separability(
    session: Session, readings: Mapping[str, Reading], spec: LatentSpec
) -> tuple[list[dict[str, object]], dict[str, Floats]]:
    """Rows of controls and models, the middle and the last layer of each; and every model's last layer, compressed."""
    last = readings[BASE].rationales_MLD.shape[1] - 1
    features: list[tuple[str, int | None, Floats]] = [
        ("length", None, length_features(np.asarray(session.lengths))),
        ("text encoder", None, session.encoded(spec.encoder).double().numpy()),
    ]
    for name, reading in readings.items():
        features += [(name, k, reading.rationales_MLD[:, k].double().numpy()) for k in sorted({last // 2, last})]
    rows: list[dict[str, object]] = []
    last_layers = {}
    for done, (name, layer, features_MD) in enumerate(features, start=1):
        compressed_MC = compress(features_MD, spec.seed)
        row = separability_row(features_MD, compressed_MC, session.labels, session.groups, spec.seed)
        rows.append({"reader": name, "layer": layer, **row})
        if layer == last:
            last_layers[name] = compressed_MC
        session.progress.update(done, len(features), "separability")
    return rows, last_layers


def _maps(session: Session, last_layers: Mapping[str, Floats], spec: LatentSpec, progress: Progress) -> None:
    """A picture for every model."""
    for done, (name, compressed_MC) in enumerate(last_layers.items(), start=1):
        maps = {seed: tsne(compressed_MC, seed) for seed in range(spec.seed, spec.seed + SEEDS)}
        title = f"{name} reads rationales: last layer, t-SNE"
        picture = map_picture(maps, session.labels, session.corpus.perspectives, title)
        atomic_write_bytes(spec.output / f"map-{name}.png", picture)
        progress.update(done, len(last_layers), "maps")


def _similarity_picture(table: pd.DataFrame) -> bytes:
    panels: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for (kind, student), layers in table.groupby(["texts", "student"], sort=False):
        panels.setdefault(str(kind), {})[str(student)] = (layers["layer"].tolist(), layers["cka_debiased"].tolist())
    return curves_picture(panels, x="layer", y="debiased CKA with the base model")


def _preference_picture(preference: Mapping[str, Sequence[Row]]) -> bytes:
    panels = {
        student: {
            name.removeprefix(ALPHA): ([row["gradient_tokens"] for row in rows], [row[name] for row in rows])
            for name in rows[0]
            if name.startswith(ALPHA)
        }
        for student, rows in preference.items()
    }
    return curves_picture(panels, x="gradient tokens", y="mean weight")


def _heading(spec: LatentSpec, session: Session) -> str:
    texts = ", ".join(f"{len(found)} {kind} texts" for kind, found in session.texts.items())
    source = "procedural questions of the development split"
    if spec.corpus is not None:
        source = f"questions of {spec.corpus.name}"
    return (
        f"Base model: {shown_model(spec.base)}. Students: {', '.join(spec.students) or 'none'}. Texts: "
        f"{len(session.corpus)} {source} with {len(session.labels)} rationales, {texts}. "
        f"{spec.dtype}, seed {spec.seed}."
    )
