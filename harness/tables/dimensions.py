"""The dimensions of the matrix, a column each, under the names that `offbook.records` gives them too.

A page shows people a label in the place of several (`labels.py`), and any other only where its rows differ in it.
"""

import json
from collections.abc import Callable, Mapping

import pandas as pd
from pydantic import JsonValue

from offbook.harness.records.cell import CellSpec
from offbook.harness.records.exam import SittingSpec
from offbook.harness.records.student import StudentId
from offbook.harness.tables.columns import EVERYWHERE, Column, differing
from offbook.harness.tables.labels import decoder_of, student_of
from offbook.harness.tables.rows import Row
from offbook.harness.tables.settings_in_words import cell_in_words

ALL_SUITES = "all"  # where a row is over several suites


def _several(what: str) -> Callable[[pd.DataFrame], bool]:
    """Where decoders of one name differ in their settings or in their code, this tells them apart."""
    return lambda rows: bool(rows.groupby(["decoder", "drafter_made_for"])[what].nunique().gt(1).any())


def _trained_again(rows: pd.DataFrame) -> bool:
    """Where rows differ in the weights of their drafter alone, as those of a training under another seed do."""
    same = [name for name in _OF_A_DRAFTER if name in rows]
    return bool(rows.groupby(same, dropna=False)["drafter_sha256"].nunique().gt(1).any())


def _edited(what: str) -> Callable[[pd.DataFrame], bool]:
    """Where checkpoints of one name differ; records that were written before it was kept differ from none."""
    return lambda rows: bool(rows.replace({what: ""}, None).groupby([*_CHECKPOINT])[what].nunique().gt(1).any())


def _shortened(name: str) -> Callable[[Row], str]:
    """The beginning of a hash."""
    return lambda row: str(row[name])[:8]


_CHECKPOINT = ("model", "student", "training_seed")
_OF_A_DRAFTER = (
    *(*_CHECKPOINT, "decoder", "decoder_made_by", "decoder_options", "drafter_made_for", "drafter_variant", "tuning"),
    *("layout", "dtype", "chat_template", "suite", "temperature", "top_k", "top_p", "seed", "n_suites", "n_docs"),
)


MODEL = (
    Column(name="model", heading="Model", shown_in=EVERYWHERE, shown_for=differing("model"), rerun="row"),
    Column(name="revision"),
)
STUDENT = (
    Column(name="student", rerun="row"),
    Column(name="method"),
    Column(name="method_made_by"),
    Column(name="method_options"),
    Column(name="training_seed", kind="whole", rerun="row"),
    Column(name="corpus"),
    Column(
        name="training",
        heading="Training",
        shown_in=("markdown", "terminal"),
        shown_for=differing("student", "training_seed"),
        written=student_of,
    ),
)
CHECKPOINT = tuple(
    Column(
        name=name,
        heading=heading,
        shown_in=EVERYWHERE,
        shown_for=_edited(name),
        written=_shortened(name),
    )
    for name, heading in (("weights_sha256", "Weights"), ("settings_sha256", "Settings of the model"))
)
DECODER = (
    Column(name="decoder", rerun="row"),
    Column(name="decoder_made_by", heading="Made by", shown_in=EVERYWHERE, shown_for=_several("decoder_made_by")),
    Column(
        name="decoder_options",
        heading="Options",
        shown_in=EVERYWHERE,
        shown_for=_several("decoder_options"),
        written=lambda row: cell_in_words(row["decoder_options"]),
        late=True,
        spared=5,
    ),
    Column(name="drafter_made_for", rerun="row"),
    Column(name="drafter_variant"),
    Column(
        name="drafter_sha256",
        heading="Drafter",
        shown_in=EVERYWHERE,
        shown_for=_trained_again,
        written=_shortened("drafter_sha256"),
        late=True,
    ),
    Column(name="tuning"),
    Column(name="decoder_label", heading="Decoder", shown_in=("markdown", "terminal"), written=decoder_of),
)
RUN = (
    Column(name="layout", heading="Layout", shown_in=EVERYWHERE, shown_for=differing("layout")),
    Column(name="dtype", heading="Number format", shown_in=EVERYWHERE, shown_for=differing("dtype")),
    Column(
        name="chat_template",
        heading="Chat template",
        kind="truth",
        shown_in=EVERYWHERE,
        shown_for=differing("chat_template"),
    ),
)


def of_cell(spec: CellSpec) -> Row:
    """Those of a cell but its suite, its temperature and its seed."""
    drafter = spec.drafter
    return {
        **_of_model(spec),
        **of_student(spec.student),
        "training_seed": spec.student.seed,
        "weights_sha256": spec.weights_sha256,
        "settings_sha256": spec.settings_sha256 or "",
        "decoder": spec.decoder,
        "decoder_made_by": "" if spec.made_by is None else str(spec.made_by),
        "decoder_options": as_json(spec.decoder_config),
        "drafter_made_for": "" if drafter is None else drafter.made_for,
        "drafter_variant": as_json(drafter.variant) if drafter is not None and drafter.variant else "",
        "drafter_sha256": "" if drafter is None else drafter.sha256,
        "tuning": spec.tuning or "",
    }


def of_sitting(spec: SittingSpec) -> Row:
    """Those of an exam but its suites and the seed of the training."""
    return {**_of_model(spec), **of_student(spec.student)}


def of_student(student: StudentId) -> Row:
    """Who was trained, but for the seed."""
    return {
        "student": student.name,
        "method": student.method,
        "method_made_by": "" if student.made_by is None else str(student.made_by),
        "method_options": as_json(student.options),
        "corpus": student.corpus_sha256 or "",
    }


def as_json(options: Mapping[str, JsonValue]) -> str:
    """Settings in one cell; "" where there are none."""
    return json.dumps(options, sort_keys=True, separators=(",", ":")) if options else ""


def _of_model(spec: CellSpec | SittingSpec) -> Row:
    same = ("model", "layout", "dtype", "chat_template")
    return {**{name: getattr(spec, name) for name in same}, "revision": spec.revision or ""}
