"""How the leaderboard is written: unrounded CSV, rounded Markdown with intervals, and the README's short table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import JsonValue

from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.cell import CellSpec
from offbook.harness.records.manifest import machine_lines
from offbook.harness.tables.labels import decoder_label, student_label
from offbook.harness.tables.markdown import (
    count,
    escape,
    interval,
    machines_below,
    markdown_table,
    number,
    reasons,
    replace_block,
    share,
)

DEFINITIONS = """\
Written by `offbook report` from the committed records; not edited by hand. Square brackets hold 95 % intervals over
prompts; where there are none, the data cannot give one.

- **Acceptance length**: new tokens per verify forward of the target, the bonus token included, the token that the
  prefill commits left out; sum over sum. A drafter that never hits has 1.
- **Accepted at 1 to 4**: share of rounds that accept a k-th candidate among those that accepted k - 1 and had one to
  offer behind them.
- **Accuracy**: share of right answers, in suites that are scored right or wrong. *Over* says how many documents of how
  many suites those are. Others have a **score** under its own name and are in no accuracy: `answered` (there is an
  answer at all), `rouge1` (words shared with a reference), or `defined` (code with a function of the right name, where
  the machine could not run it safely; see the README of tasks/prompts).
- **Finished**: share of answers that ended by themselves, before the cap on new tokens. What is cut can hardly be
  right, so where few finish, accuracy says little of the model.
- **Speed-up**: tokens per second over those of `autoregressive` in the same heat, that is in the same process, document
  by document. Sums over sums, the prefill included on both sides.
- **Draft cost**: seconds in the drafter per second in verify forwards. **Drafts per round**: draft forwards per verify
  forward.
- **Lossless?** At temperature 0, answers whose token ids equal the baseline's; a *tie* is a first difference where the
  target's own top two logits are closer than rounding. Above 0, the verifier (of transformers'
  own rows the whole decoder, on a small model) against an exact target: measured total variation, its upper bound, and
  the p-value of a chi-square test. DIFFERS means that the output is changed.
- On a CPU with a small target (135M parameters) a wall-clock speed-up below 1 is usual: a verify forward of many tokens
  costs more there than one of a single token. The counts (acceptance length, forwards) are what carries over to other
  machines; seconds are not.
"""


def to_csv(table: pd.DataFrame) -> str:
    """CSV with every digit; text that a spreadsheet would run as a formula gets an apostrophe."""
    safe = table.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = [_no_formula(value) if isinstance(value, str) else value for value in safe[column]]
    return str(safe.to_csv(index=False, lineterminator="\n"))


def to_markdown(
    table: pd.DataFrame,
    *,
    manifests: Mapping[str, dict[str, JsonValue]] | None = None,
    missing: Sequence[CellSpec] = (),
    expected: int = 0,
    sections: Sequence[str] = (),
) -> str:
    """LEADERBOARD.md: definitions, the pooled table and each suite's by temperature, then `sections`.

    Below each table stand the machines that it was measured on, by the manifests of its heats.
    """
    parts = ["# Leaderboard", DEFINITIONS.rstrip()]
    parts += reasons(list((manifests or {}).values()))
    if expected:
        parts.append(f"{expected - len(missing)} of {expected} cells are done.")
    for temperature in sorted(set(table["temperature"])):
        at = table[table["temperature"] == temperature]
        seeds = ", ".join(str(seed) for seed in sorted(set(at["seed"])))
        parts.append(f"## Temperature {temperature:g}, seed {seeds}")
        for suite in ["all", *sorted(set(at["suite"]) - {"all"})]:
            title = "All suites, pooled" if suite == "all" else escape(suite)
            rows = at[at["suite"] == suite]
            parts += [f"### {title}", markdown_table(_rounded(rows)), *_machines(rows, manifests)]
    parts += sections
    if missing:
        lines = sorted(
            f"- missing: {s.model}, {student_label(s.student)}, {decoder_label(s)}, {s.suite}, "
            f"temperature {s.temperature:g}, seed {s.seed}"
            for s in missing
        )
        parts += ["## Missing cells", "\n".join(escape(line) for line in lines)]
    return "\n\n".join(parts) + "\n"


def readme_table(table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None = None) -> str:
    """A compact Markdown table of the pooled rows, for the README, and its machines, by the manifests of its heats."""
    pooled = table[table["suite"] == "all"]
    if pooled.empty:
        return "No cell has been run yet."
    columns = ["Accuracy", "Over", "Finished", "Acceptance length", "Tokens/s", "Speed-up", "Lossless?"]
    temperatures = [f"{t:g}" for t in pooled["temperature"]]
    lines = [
        {"Decoder": line["Decoder"], "T": t, **{column: line[column] for column in columns}}
        for line, t in zip(_rounded(pooled), temperatures, strict=True)
    ]
    return "\n\n".join([markdown_table(_distinguished(lines, pooled)), *_machines(pooled, manifests)])


def update_readme(
    readme_path: Path, table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None = None
) -> None:
    """Puts `readme_table` between `<!-- leaderboard -->` and `<!-- /leaderboard -->`.

    Raises:
        ValueError: the README has not exactly one such block.
    """
    replace_block(readme_path, "leaderboard", readme_table(table, manifests))


def machines_of(table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None) -> list[str]:
    """The machines of a leaderboard's rows, by the manifests of its heats; see `provenance.machine_lines`."""
    heats = {heat for heats in table["heat_id"] for heat in str(heats).split()}
    return machine_lines(manifest for heat, manifest in (manifests or {}).items() if heat in heats)


def _machines(table: pd.DataFrame, manifests: Mapping[str, dict[str, JsonValue]] | None) -> list[str]:
    return machines_below(machines_of(table, manifests))


def _rounded(table: pd.DataFrame) -> list[dict[str, str]]:
    lines = [
        {
            "Decoder": escape(row["decoder"]),
            "Docs": f"{row['n_docs']}",
            "Finished": share(row["finished"]),
            **_score(row, right=all(map(is_accuracy, table["metric"]))),
            "Acceptance length": interval(row, "acceptance_length", 2),
            "Accepted at 1/2/3/4": " / ".join(number(row[f"acceptance_at_{k}"], 2) for k in (1, 2, 3, 4)),
            "Tokens/s": number(row["tokens_per_s"], 1),
            "Speed-up": interval(row, "speedup", 2),
            "Draft cost": number(row["draft_cost_ratio"], 2),
            "Target forwards": f"{row['target_forwards']}",
            "Drafts per round": number(row["draft_forwards_per_round"], 1),
            "Lossless?": escape(row["losslessness"]),
            "Drafter params": count(row["drafter_parameters"]),
            "Trained on tokens": count(row["training_tokens"]),
            "Peak MiB": number(row["peak_mib"], 0),
        }
        for row in table.to_dict("records")
    ]
    return _distinguished(lines, table)


def _score(row: dict[Any, Any], *, right: bool) -> dict[str, str]:
    if row["suite"] == "all":
        over = f"{row['accuracy_docs']} docs, {row['accuracy_suites']} suite{'s' * (row['accuracy_suites'] != 1)}"
        return {"Accuracy": interval(row, "accuracy", 2), "Over": over if row["accuracy_docs"] else "-"}
    if right:
        return {"Accuracy": interval(row, "accuracy", 2)}
    return {"Score": f"{interval(row, 'score', 2)} {escape(row['metric'])}"}


def _distinguished(lines: list[dict[str, str]], table: pd.DataFrame) -> list[dict[str, str]]:
    """Puts columns in front that the rows of this table differ in; most tables need none of them."""
    front = {"model": "Model", "training": "Training", "seed": "Seed", "semantics": "Scored by semantics"}
    if table["suite"].eq("all").any() and table["n_suites"].nunique() > 1:
        front["n_suites"] = "Suites"  # rows over different suites are not comparable, so say so
    differing = [name for name in front if table[name].nunique() > 1]
    extra = [{front[name]: escape(f"{row[name]}") for name in differing} for row in table.to_dict("records")]
    return [{**more, **line} for more, line in zip(extra, lines, strict=True)]


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
