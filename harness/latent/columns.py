"""The columns of the latent analysis: what each is called, its unit and digits, and where it is shown."""

import math
from collections.abc import Iterable

import pandas as pd

from offbook.harness.latent.preference import ALPHA
from offbook.harness.tables.columns import PAGE, Column, Kind
from offbook.harness.tables.rows import Row

MEASURES = {"divergence": "answer JSD", "agreement": "agreement", "correct": "correct"}
STEPS = ("steps", "gradient_tokens")  # of a stretch of training, rather than measures of it


def _number(name: str, heading: str, digits: int = 3, *, unit: str = "", interval: bool = False) -> Column:
    return Column(name=name, heading=heading, unit=unit, kind="number", digits=digits, interval=interval, shown_in=PAGE)


def _said(name: str, kind: Kind = "text") -> Column:
    return Column(name=name, heading=name, kind=kind, shown_in=PAGE)


def _layer(row: Row) -> str:
    return "-" if math.isnan(row["layer"]) else f"{row['layer']:.0f}"


def _components(row: Row) -> str:
    return f"{row['components']}" + ("" if row["mixture_converged"] else " (not converged)")


def _students(rows: pd.DataFrame) -> bool:
    """Where somebody is held against the base model."""
    return len(rows) > 1


SEPARABILITY = (
    _said("reader"),
    Column(name="layer", heading="layer", kind="number", digits=0, shown_in=PAGE, written=_layer),
    _said("n", "whole"),
    _number("silhouette", "silhouette"),
    _number("probe", "probe", unit="share", interval=True),
    _number("probe_mixed", "probe, mixed", unit="share"),
    _number("chance", "chance", unit="share"),
    Column(name="components", heading="components", kind="whole", shown_in=PAGE, written=_components),
    _number("ari", "ARI"),
    _number("nmi", "NMI"),
    Column(name="mixture_converged", kind="truth"),
)
CONSISTENCY = (
    _said("reader"),
    _said("n", "whole"),
    *(_number(name, heading, 4, interval=True) for name, heading in MEASURES.items()),
    *(
        Column(
            name=f"{name}_change",
            heading=f"{heading}, change",
            kind="number",
            digits=4,
            interval=True,
            shown_in=PAGE,
            shown_for=_students,
        )
        for name, heading in MEASURES.items()
    ),
)
SIMILARITY = (
    Column(name="student"),
    Column(name="texts"),
    Column(name="layer", kind="whole"),
    Column(name="n", kind="whole"),
    Column(name="cka", kind="number", digits=4),
    Column(name="cka_debiased", kind="number", digits=4),
    Column(name="shift", kind="number", digits=4),
)
SIMILARITY_DIGEST = (
    _said("student"),
    _said("texts"),
    _said("n", "whole"),
    _number("cka", "CKA, last layer", 4),
    _number("debiased", "debiased, last layer", 4),
    _number("debiased_mean", "debiased, mean of layers", 4),
    _number("debiased_lowest", "debiased, lowest", 4),
    _number("shift", "shift, last layer", 4),
)
DIVERGENCE = (
    _said("student"),
    _said("texts"),
    _said("n", "whole"),
    _number("kl", "token KL", 4, unit="nats per token", interval=True),
)


def preference_columns(names: Iterable[str]) -> tuple[Column, ...]:
    """Of training logs with these measures: a method's perspectives are its own."""
    return (Column(name="student"), *(Column(name=name, kind="number") for name in names if name != "student"))


def preference_digest(names: Iterable[str]) -> tuple[Column, ...]:
    """Means over a quarter of the steps."""
    measured = [name for name in names if name not in ("student", *STEPS)]
    return (_said("student"), _said("steps"), *(_number(name, name.removeprefix(ALPHA)) for name in measured))
