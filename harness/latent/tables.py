"""Tables of the latent analysis: one row a reader, layer or student, every number with its interval; and the summary.

Questions are the unit of all intervals (texts, where texts are read): rationales of one question go together.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from offbook.harness.latent.columns import (
    CONSISTENCY,
    DIVERGENCE,
    SEPARABILITY,
    SIMILARITY,
    SIMILARITY_DIGEST,
    preference_columns,
    preference_digest,
)
from offbook.harness.latent.hidden_states import Reading
from offbook.harness.latent.preference import Row
from offbook.harness.latent.separability import Floats, Labels, mixture, probe, silhouette
from offbook.harness.statistics.intervals import mean_interval, student_quantile
from offbook.harness.tables.columns import Table, fields, to_markdown
from offbook.harness.tables.markdown import machines_below

BASE = "base"

DEFINITIONS = """\
Written by `offbook analyse-latent`; the CSV files beside it have every digit and every layer. Square brackets hold 95 %
intervals over questions or texts; where there are none, the data cannot give one.

- **States** are means over tokens: of a rationale (answer line included), or of a question or text as the model is
  asked it (first token left out). Layer 0 is the embedding, the last layer is behind the final normalisation.
- **Silhouette**, -1 to 1: how much nearer a rationale is to its own perspective than to the next one, on standardised
  states in 50 principal components.
- **Probe**: share of rationales whose perspective a logistic regression names, five folds, on questions that it has not
  seen; **probe, mixed**: rationales dealt to folds at random, so that it has seen their questions. **Chance** is the
  largest perspective's share.
- **Components**: how many of a Dirichlet-process mixture's 20 diagonal Gaussians hold a rationale; **ARI** and **NMI**
  hold them against the perspectives (0 by chance, 1 for the same partition).
- Controls: the base model reads the same texts, so what it separates lies in the wording; the text encoder reads them
  too; *length* knows the number of tokens alone. Only what a student separates beyond them is the student's.
- **CKA**: linear centred kernel alignment of a student's states with its base model's, 1 for the same layout. It is
  biased upwards where there are fewer texts than dimensions; **debiased** uses the unbiased estimate (0 for unrelated
  states). **Shift**: mean of |student - base| / |base|. Texts: *rationales* and *questions* of the corpus, *ood*: other
  procedural questions, *chat* and *summarisation*: generic requests, apart, since two kinds of text are two clusters in
  any model and align by that alone.
- **Token KL**: KL(base || student) of the next-token distributions, in nats a token: how far the student forgot.
- **Answer JSD**: divergence between the next-token distributions at the answer behind two rationales of a question, in
  nats, mean over pairs (0 to ln 2 = 0.693). **Agreement**: pairs with the same likeliest answer. **Correct**:
  rationales with the gold answer likeliest. All are teacher-forced: the model reads a rationale and writes the answer
  alone.
- **Weights**: mean of MIND's weight of a perspective over a quarter of the training steps. **Kept**: perspectives with
  a weight above 0. **Entropy** of the weights in nats. **Jitter**: total variation to the same question's last weights
  (0 at a first visit). **Spearman**: rank correlation of scores and negative losses.
"""


def separability_row(features_MD: Floats, compressed_MC: Floats, labels: Labels, groups: Labels, seed: int) -> Row:
    """How well the perspectives can be told apart by one reader's features."""
    unseen = probe(features_MD, labels, groups, seed)
    fitted = mixture(compressed_MC, labels, seed)
    return {
        "n": len(labels),
        "silhouette": silhouette(compressed_MC, labels),
        **_estimate("probe", [float(unseen[groups == question].mean()) for question in np.unique(groups)], most=1.0),
        "probe_mixed": float(probe(features_MD, labels, None, seed).mean()),
        "chance": float(np.bincount(labels).max() / len(labels)),
        "components": fitted.occupied,
        "ari": fitted.ari,
        "nmi": fitted.nmi,
        "mixture_converged": fitted.converged,
    }


def consistency_table(readings: Mapping[str, Reading]) -> pd.DataFrame:
    """Divergence and agreement of the answers behind a question's rationales, and the difference to the base model."""
    rows = []
    for name, reading in readings.items():
        row: dict[str, object] = {"reader": name, "n": len(reading.divergence_N)}
        for measure in ("divergence", "agreement", "correct"):
            values = getattr(reading, f"{measure}_N").numpy()
            row |= _estimate(measure, values, most=math.inf if measure == "divergence" else 1.0)
            if name != BASE:
                change = values - getattr(readings[BASE], f"{measure}_N").numpy()
                row |= _change(f"{measure}_change", change)
        rows.append(row)
    return pd.DataFrame(rows, columns=fields(CONSISTENCY))


def divergence_row(student: str, kind: str, values: Sequence[float]) -> dict[str, object]:
    """A student's token KL on the texts of a kind."""
    return {"student": student, "texts": kind, "n": len(values), **_estimate("kl", values)}


def preference_table(preference: Mapping[str, Sequence[Row]]) -> pd.DataFrame:
    """A row for every stretch of every student's training."""
    return pd.DataFrame([{"student": name, **row} for name, rows in preference.items() for row in rows])


def described(
    *,
    separability: pd.DataFrame,
    consistency: pd.DataFrame,
    similarity: pd.DataFrame,
    divergence: pd.DataFrame,
    preference: pd.DataFrame,
) -> dict[str, Table]:
    """The tables that are written as CSV, by name, those that have rows."""
    found = {
        "separability": Table(columns=SEPARABILITY, rows=separability),
        "consistency": Table(columns=CONSISTENCY, rows=consistency),
        "similarity": Table(columns=SIMILARITY, rows=similarity),
        "divergence": Table(columns=DIVERGENCE, rows=divergence),
        "preference": Table(columns=preference_columns(preference.columns), rows=preference),
    }
    return {name: table for name, table in found.items() if len(table.rows)}


def summary(
    heading: str,
    *,
    machines: Sequence[str] = (),
    separability: pd.DataFrame,
    consistency: pd.DataFrame,
    similarity: pd.DataFrame,
    divergence: pd.DataFrame,
    preference: pd.DataFrame,
) -> str:
    """The analysis in Markdown, machines below each table; empty tables and single layers of the similarity are not."""
    sections = {
        "Separability of perspectives": Table(columns=SEPARABILITY, rows=separability),
        "Consistency of answers": Table(columns=CONSISTENCY, rows=consistency),
        "Structure kept": Table(columns=SIMILARITY_DIGEST, rows=_similarity_digest(similarity)),
        "Forgetting": Table(columns=DIVERGENCE, rows=divergence),
        "Preference over training": _preference_digest(preference),
    }
    parts = ["# Latent analysis", heading, DEFINITIONS.rstrip()]
    for title, table in sections.items():
        if len(table.rows):
            parts += [f"## {title}", to_markdown(table), *machines_below(machines)]
    return "\n\n".join(parts) + "\n"


def _estimate(name: str, values: Sequence[float] | Floats, *, most: float = math.inf) -> dict[str, float]:
    """Mean and interval over what is not NaN; the interval ends where the measure does, at 0 and `most`."""
    present = [float(value) for value in values if value == value]
    interval = mean_interval(present)
    low, high = (max(0.0, interval.low), min(most, interval.high)) if interval else (math.nan, math.nan)
    return {name: sum(present) / len(present) if present else math.nan, f"{name}_low": low, f"{name}_high": high}


def _change(name: str, differences: Floats) -> dict[str, float]:
    """Mean difference and Student's interval over what is not NaN; no interval where all differences are equal."""
    present = differences[~np.isnan(differences)]
    mean = float(present.mean()) if len(present) else math.nan
    half = math.nan
    if len(present) > 1 and present.std() > 0:
        half = student_quantile(0.975, len(present) - 1) * float(present.std(ddof=1)) / math.sqrt(len(present))
    return {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}


def _similarity_digest(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each student and kind of texts: the last layer, and the debiased estimate over all of them."""
    rows = []
    for (student, texts), layers in table.groupby(["student", "texts"], sort=False) if len(table) else ():
        last = layers.iloc[-1]
        rows.append(
            {
                "student": student,
                "texts": texts,
                "n": last["n"],
                "cka": last["cka"],
                "debiased": last["cka_debiased"],
                "debiased_mean": layers["cka_debiased"].mean(),
                "debiased_lowest": layers["cka_debiased"].min(),
                "shift": last["shift"],
            }
        )
    return pd.DataFrame(rows)


def _preference_digest(table: pd.DataFrame) -> Table:
    """The first and the last quarter of every student's training."""
    columns = preference_digest(table.columns)
    measured = [column.name for column in columns if column.name not in ("student", "steps")]
    rows = []
    for student, stretches in table.groupby("student", sort=False) if len(table) else ():
        quarter = max(1, len(stretches) // 4)
        for when, part in (("first quarter", stretches.head(quarter)), ("last quarter", stretches.tail(quarter))):
            means = {name: np.average(part[name], weights=part["steps"]) for name in measured}
            rows.append({"student": student, "steps": when, **means})
    return Table(columns=columns, rows=pd.DataFrame(rows))
