"""Pictures of the leaderboard: how sure an order is, accuracy against speed, acceptance, and what drafting must win."""

import math
import statistics
from collections.abc import Iterator

import pandas as pd

from offbook.harness.tables.board.contenders import Group, groups
from offbook.harness.tables.board.interval_plot import Bar, interval_plot
from offbook.harness.tables.board.line_plot import line_plot
from offbook.harness.tables.board.plot import Plot
from offbook.harness.tables.board.plot_names import plot_name
from offbook.harness.tables.board.scatter_plot import Limit, Point, frontier, scatter_plot
from offbook.harness.tables.decoders_columns import AT, LEVELS
from offbook.harness.tables.ranks import trusted
from offbook.harness.tables.rows import Row

MOST = 12  # groups of a kind of picture
MOST_POINTS = 300  # of a picture, besides those of its frontier
METHOD = "Bars: 95 % intervals by an expanded percentile bootstrap of whole documents (or clusters of like ones)"


def speedup_plots(table: pd.DataFrame) -> Iterator[Plot]:
    """The speed-up of each contender over the fastest plain row."""
    for group in _first(table):
        known = _known(group, "speedup_fastest")
        if known:  # of records that stand alone, without a plain row of their heat, nobody is
            yield interval_plot(
                [_bar(row, label, "speedup_fastest") for row, label in known],
                name=plot_name("speedup", group.name),
                title=f"Speed-up over the fastest plain row: {group.title}",
                at=1,
                caption=(
                    "Points: tokens a second over those of the fastest row of the same heat that drafts nothing and "
                    "says what the target says, sums over sums, prefill on both sides.",
                    f"{METHOD}. The dashed line at 1 is that row.",
                    f"{group.over}.",
                ),
            )


def acceptance_plots(table: pd.DataFrame) -> Iterator[Plot]:
    """The acceptance length of each drafting contender, and the one at which it would be as fast as plain decoding."""
    for group in _first(table):
        drafting = [(row, label) for row, label in _known(group, "acceptance_length") if row["acceptance_length"] > 1]
        if drafting:
            yield interval_plot(
                [_bar(row, label, "acceptance_length", mark=row["break_even"]) for row, label in drafting],
                name=plot_name("break-even", group.name),
                title=f"Acceptance length and where it breaks even: {group.title}",
                at=1,
                caption=(
                    "Points: tokens a verify forward, sums over sums. Upright marks: the acceptance length at which a "
                    "round would take as long as its tokens by plain decoding in the same layout. A point to the right "
                    "of its mark is faster than that.",
                    f"{METHOD}. 1 is a drafter that never hits.",
                    f"{group.over}.",
                ),
            )


def frontier_plots(table: pd.DataFrame) -> Iterator[Plot]:
    """Accuracy against tokens a second over all students, with who is beaten by nobody in both."""
    for group in _first(table, students_apart=False):
        points = [_point(row, label) for row, label in _known(group, "accuracy")]
        points = [point for point in points if math.isfinite(point.x)]
        if len(points) < 2:
            continue
        best = frontier(points)
        rest = [point for point in points if point not in best]
        drawn = [*best, *rest[:MOST_POINTS]]
        cut = f"{len(drawn)} of {len(points)} are drawn; the table has all." if len(drawn) < len(points) else ""
        yield scatter_plot(
            drawn,
            name=plot_name("frontier", group.name),
            title=f"Accuracy against speed: {group.title}",
            x_name="tokens/s",
            y_name="accuracy",
            caption=(
                "Whiskers: 95 % intervals. Steps: the Pareto frontier, beyond which nobody is better in one and as "
                "good in the other. Open points say another text than the target, or nobody tested it.",
                "Dashed lines: the physical floor, one token for each time that this machine's memory gives every "
                "weight; who commits one token a round cannot be faster. Seconds of several heats are compared here: "
                "within one, the speed-up is the better measure.",
                f"{group.over}.",
                *([cut] if cut else []),
            ),
            named=best,
            joins=True,
            x_limits=floors(group.rows),
        )


def position_plots(table: pd.DataFrame) -> Iterator[Plot]:
    """The share of rounds that accept a candidate of each level of the tree."""
    for group in _first(table):
        curves = {
            label: list(zip(map(float, LEVELS), (row[name] for name in AT), strict=True))
            for row, label in _known(group, AT[0])
        }
        if curves:
            yield line_plot(
                curves,
                name=plot_name("positions", group.name),
                title=f"Acceptance by position: {group.title}",
                x_name="level of the tree",
                y_name="share accepted",
                caption=(
                    "Rounds that accept a candidate of this level, of those that accepted one of the level above and "
                    "had another to offer. Counts, not seconds: they carry over to other machines.",
                    f"{group.over}.",
                ),
                y_with=(0.0, 1.0),
            )


def floors(rows: list[Row]) -> list[Limit]:
    """Tokens a second of one token for each reading of all weights, by layout: the median of what its rows tell."""
    found: dict[str, list[float]] = {}
    for row in rows:
        at = (
            row["target_forwards"] / row["decode_s"] / row["floor_share"]
            if row["decode_s"] and row["floor_share"]
            else math.nan
        )
        if math.isfinite(at):
            found.setdefault(row["layout"], []).append(at)
    return [
        Limit(label=f"floor of layout {layout}, {at:.1f} tokens/s", at=at)
        for layout, at in sorted((layout, statistics.median(values)) for layout, values in found.items())
    ]


def _first(table: pd.DataFrame, *, students_apart: bool = True) -> list[Group]:
    return [group for _, group in zip(range(MOST), groups(table, students_apart=students_apart), strict=False)]


def _known(group: Group, name: str) -> list[tuple[Row, str]]:
    return [(row, label) for row, label in zip(group.rows, group.labels, strict=True) if math.isfinite(row[name])]


def _bar(row: Row, label: str, name: str, *, mark: float = math.nan) -> Bar:
    return Bar(label=label, value=row[name], low=row[f"{name}_low"], high=row[f"{name}_high"], mark=mark)


def _point(row: Row, label: str) -> Point:
    return Point(
        label=label,
        x=row["tokens_per_s"],
        y=row["accuracy"],
        x_span=(row["tokens_per_s_low"], row["tokens_per_s_high"]),
        y_span=(row["accuracy_low"], row["accuracy_high"]),
        open_=not trusted(row),
    )
