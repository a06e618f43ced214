"""How the leaderboard is written: unrounded CSV, rounded Markdown with intervals, and the README's short table."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import JsonValue
from tabulate import tabulate

from offbook.engine.files import atomic_write_text
from offbook.harness.provenance import machine_line
from offbook.harness.record import CellSpec

README_BLOCK = re.compile(r"(<!-- leaderboard -->).*?(<!-- /leaderboard -->)", re.DOTALL)

DEFINITIONS = """\
Written by `offbook report` from the committed records; not edited by hand. Square brackets hold 95 % intervals over
prompts; where there are none, the data cannot give one.

- **Acceptance length**: new tokens per verify forward of the target, the bonus token included, the token that the
  prefill commits left out; sum over sum. A drafter that never hits has 1.
- **Accepted at 1 to 4**: share of rounds that accept a k-th candidate among those that accepted k - 1 and had one to
  offer behind them.
- **Accuracy**: mean score of the suite; over all suites the share of right answers (`acc`), so only documents of suites
  that are scored right or wrong are in it.
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
    manifests: Sequence[dict[str, JsonValue]] = (),
    missing: Sequence[CellSpec] = (),
    expected: int = 0,
) -> str:
    """LEADERBOARD.md: definitions and machines, then for each temperature the pooled table and each suite's."""
    parts = ["# Leaderboard", DEFINITIONS.rstrip()]
    machines = sorted({machine_line(manifest) for manifest in manifests})
    parts += [f"Measured on: {_escape(machine)}." for machine in machines]
    if expected:
        parts.append(f"{expected - len(missing)} of {expected} cells are done.")
    for temperature in sorted(set(table["temperature"])):
        at = table[table["temperature"] == temperature]
        seeds = ", ".join(str(seed) for seed in sorted(set(at["seed"])))
        parts.append(f"## Temperature {temperature:g}, seed {seeds}")
        for suite in ["all", *sorted(set(at["suite"]) - {"all"})]:
            title = "All suites, pooled" if suite == "all" else _escape(suite)
            parts += [f"### {title}", _markdown_table(_rounded(at[at["suite"] == suite]))]
    if missing:
        lines = sorted(
            f"- missing: {s.model}, {s.training}, {s.decoder}, {s.suite}, temperature {s.temperature:g}, seed {s.seed}"
            for s in missing
        )
        parts += ["## Missing cells", "\n".join(_escape(line) for line in lines)]
    return "\n\n".join(parts) + "\n"


def readme_table(table: pd.DataFrame) -> str:
    """A compact Markdown table of the pooled rows, for the README."""
    pooled = table[table["suite"] == "all"]
    if pooled.empty:
        return "No cell has been run yet."
    columns = ["Accuracy", "Acceptance length", "Tokens/s", "Speed-up", "Lossless?"]
    temperatures = [f"{t:g}" for t in pooled["temperature"]]
    lines = [
        {"Decoder": line["Decoder"], "T": t, **{column: line[column] for column in columns}}
        for line, t in zip(_rounded(pooled), temperatures, strict=True)
    ]
    return _markdown_table(_distinguished(lines, pooled))


def update_readme(readme_path: Path, table: pd.DataFrame) -> None:
    """Puts `readme_table` between `<!-- leaderboard -->` and `<!-- /leaderboard -->`.

    Raises:
        ValueError: the README has not exactly one such block.
    """
    text = readme_path.read_text(encoding="utf-8")
    blocks = len(README_BLOCK.findall(text))
    if blocks != 1:
        message = (
            f"{readme_path.name}: expected one block from <!-- leaderboard --> to <!-- /leaderboard -->, got {blocks}; "
            "add the two comments where the table belongs"
        )
        raise ValueError(message)
    block = readme_table(table)
    text = README_BLOCK.sub(lambda match: f"{match[1]}\n{block}\n{match[2]}", text)
    atomic_write_text(readme_path, text)


def _rounded(table: pd.DataFrame) -> list[dict[str, str]]:
    lines = [
        {
            "Decoder": _escape(row["decoder"]),
            "Docs": f"{row['n_docs']}",
            "Accuracy": f"{_interval(row, 'accuracy', 2)} {_escape(row['metric'])}".strip(),
            "Acceptance length": _interval(row, "acceptance_length", 2),
            "Accepted at 1/2/3/4": " / ".join(_number(row[f"acceptance_at_{k}"], 2) for k in (1, 2, 3, 4)),
            "Tokens/s": _number(row["tokens_per_s"], 1),
            "Speed-up": _interval(row, "speedup", 2),
            "Draft cost": _number(row["draft_cost_ratio"], 2),
            "Target forwards": f"{row['target_forwards']}",
            "Drafts per round": _number(row["draft_forwards_per_round"], 1),
            "Lossless?": _escape(row["losslessness"]),
            "Drafter params": _count(row["drafter_parameters"]),
            "Trained on tokens": _count(row["training_tokens"]),
            "Peak MiB": _number(row["peak_mib"], 0),
        }
        for row in table.to_dict("records")
    ]
    return _distinguished(lines, table)


def _distinguished(lines: list[dict[str, str]], table: pd.DataFrame) -> list[dict[str, str]]:
    """Puts columns in front that the rows of this table differ in; most tables need none of them."""
    front = {"model": "Model", "training": "Training", "seed": "Seed"}
    if table["suite"].eq("all").any() and table["n_suites"].nunique() > 1:
        front["n_suites"] = "Suites"  # rows over different suites are not comparable, so say so
    differing = [name for name in front if table[name].nunique() > 1]
    extra = [{front[name]: _escape(f"{row[name]}") for name in differing} for row in table.to_dict("records")]
    return [{**more, **line} for more, line in zip(extra, lines, strict=True)]


def _markdown_table(lines: list[dict[str, str]]) -> str:
    return str(tabulate(lines, headers="keys", tablefmt="pipe", disable_numparse=True))


def _interval(row: dict[Any, Any], name: str, digits: int) -> str:
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if math.isnan(low):
        return _number(value, digits)
    return f"{_number(value, digits)} [{low:.{digits}f}, {high:.{digits}f}]"


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _count(value: float) -> str:
    """1.2M, 34k or 560; nothing for unknown."""
    if math.isnan(value):
        return "-"
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{unit}"
    return f"{value:.0f}"


def _escape(text: str) -> str:
    """Text that stays inside its table cell and starts no markup."""
    text = re.sub(r"\s+", " ", text).replace("\\", "\\\\")
    for character, instead in (("|", "\\|"), ("`", "\\`"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, instead)
    return text


def _no_formula(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
