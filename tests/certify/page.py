"""The summary of all proofs as Markdown."""

from collections.abc import Sequence

from offbook.harness.certificates.told import EXACT
from offbook.harness.certificates.verifiers import DRAWS
from offbook.harness.roster.decoders import BASELINE, DECODERS
from tests.campaign_lines import commits, last_of_each, machines
from tests.certify.samplers import SEEN, SURE, draws, faults, laws, loops, seeds
from tests.json_lines import Line

OF_NOBODY = {"laws": laws, "draws": draws, "seeds": seeds, "faults": faults, "loops": loops}
PARTS = (*OF_NOBODY, "contenders")


def page(lines: Sequence[Line], commit: str, left_out: Sequence[str]) -> str:
    """All that is known of this code."""
    by_part = {part: [line for line in lines if line["part"] == part] for part in PARTS}
    text = ["# Certificates in full", "", f"Written by `nox -s certify` at {commit[:12]}.", ""]
    text += ["| part | cases | as they should be | | proved at |", "|---|---|---|---|---|"]
    found = last_of_each(by_part["contenders"], lambda line: line["decoder"])
    text += [_row(part, by_part[part], len([*cases()])) for part, cases in OF_NOBODY.items()]
    text += [_row("contenders", found, len({*DECODERS} - {BASELINE}))]
    text += ["", "## Samplers with a fault", ""]
    text += [
        f"Rejected where some text's probability is off by more than {SEEN:g} and {DRAWS:,} draws are sure to show it "
        f"(a chance of more than {SURE:g}, worked out from the law), or where they did.",
        "",
        "| fault | where it was seen | off by | shown by draws | rejected |",
        "|---|---|---|---|---|",
    ]
    text += map(_fault, by_part["faults"])
    text += ["", "## Contenders", ""]
    if not found:
        text.append("None was tested.")
        return "\n".join([*text, *_left_out(left_out), *_where(lines)]) + "\n"
    text += [
        "On the embedded model, by `offbook certify` without limits; each has its file in "
        "[certificates](certificates). A bound is the largest of its parts', a move the largest that could be missed.",
        "",
        "| contender | verdict | greedy answers | smallest p | bound on TV | found move | proved at |",
        "|---|---|---|---|---|---|---|",
        *(_contender(line) for line in found),
        *_left_out(left_out),
        *(paragraph for line in found for paragraph in ("", line["paragraph"])),
        *_where([line for part in OF_NOBODY for line in by_part[part]] + found),
    ]
    return "\n".join(text) + "\n"


def _left_out(left_out: Sequence[str]) -> list[str]:
    return ["", f"Left out for want of something: {', '.join(left_out)}."] if left_out else []


def _where(lines: Sequence[Line]) -> list[str]:
    return ["", "## Machines", "", *machines(lines, lambda line: line.get("decoder", line["part"]))] if lines else []


def _fault(line: Line) -> str:
    shown, rejected = _number(line.get("power"), ".4f") or "by real ones", "yes" if line["right"] else "NO"
    return f"| {line['case']} | {line['source']} | {line['deviation']:.3f} | {shown} | {rejected} |"


def _contender(line: Line) -> str:
    name, ties = line["decoder"], f", {line['ties']} ties" if line["ties"] else ""
    cells = [
        f"[{name}](certificates/{name}.json)",
        line["verdict"] if line["right"] else f"{line['verdict']} (NOT AS IT SHOULD BE)",
        f"identical {line['identical']}{ties}",
        *(_number(line[key], form) for key, form in (("p_value", ".2g"), ("tv_bound", ".3f"), ("found_move", ".3f"))),
        commits([line]),
    ]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _row(part: str, lines: Sequence[Line], cases: int) -> str:
    right = sum(bool(line["right"]) for line in lines)
    told = _told(part, lines) if lines else "not run"
    return f"| {part} | {len(lines)} of {cases} | {right} | {told} | {commits(lines)} |"


def _told(part: str, lines: Sequence[Line]) -> str:
    match part:
        case "laws":
            return f"largest deviation {max(line['deviation'] for line in lines):.1e} (at most {EXACT:.0e})"
        case "draws" | "loops":
            smallest, bound = min(line["p_value"] for line in lines), max(line["tv_bound"] for line in lines)
            return f"{lines[0]['n']:,} each; smallest p {smallest:.2g}, largest bound on TV {bound:.4f}"
        case "seeds":
            return f"smallest p of uniformity {min(line['uniform_p'] for line in lines):.2g}"
        case "faults":
            return f"smallest deviation {min(line['deviation'] for line in lines):.3f}"
        case _:
            return "verdicts in the table below"
