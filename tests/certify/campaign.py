"""Every proof of losslessness in full, and its summary: `nox -s certify`.

    python -m tests.certify.campaign [--summary results/certify.md] [--lines results/certify.jsonl]
        [--certificates results/certificates] [--pieces runs/certify] [--part PART ...] [--only DECODER ...]
        [--drafter eagle2=FOLDER ...] [--keep]

What is found is appended to the lines as soon as it is there, and a certificate of a contender written beside. What
the lines hold of this very code (`CODE`, as it is committed) is not run again, whatever else changed since: this can be
stopped and gone on with at any time, several can run side by side, and results may be committed in between. Of a
contender what was found at each of the settings is a piece, kept until all are there. With `--keep` nothing is run
again that any code has proved; the page tells of each line which commit that was, and on which machine. `--part`
without a name runs nothing and writes the page anew.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from offbook.engine.files import atomic_write_text
from offbook.engine.threads import run_settled
from offbook.harness.records.manifest import machine_line
from offbook.harness.roster.command_line import process_manifest
from offbook.harness.roster.decoders import DECODERS
from tests.campaign_lines import counts, last_of_each, origin
from tests.certify.contenders import contenders, file_of, left_out
from tests.certify.page import PARTS, page
from tests.certify.samplers import Case, draws, faults, laws, loops, seeds
from tests.json_lines import Line, append, read

CODE = (
    *("kernels", "engine", "tasks", "methods", "baselines", "harness", "tests/certify", "tests/controls"),
    *("tests/campaign_lines.py", "tests/json_lines.py"),
)


def known(file: Path, here: Line, certificates: Path, *, keep: bool = False) -> list[Line]:
    """What was found of this code, or with `keep` proved by any, the last of each; of a contender with its file."""
    return [
        line
        for line in last_of_each(read(file), lambda line: (line["part"], line["case"]))
        if counts(line, here, keep=keep) and ("decoder" not in line or file_of(certificates, line["decoder"]).is_file())
    ]


def run(cases: Iterator[Case], part: str, lines: list[Line], keep: Callable[[Line], object]) -> None:
    """What is not there yet."""
    done = {(line["part"], line["case"]) for line in lines}
    for case, prove in cases:
        if (part, case) in done:
            continue
        line = {"part": part, "case": case, **prove()}
        keep(line)
        print(f"{part}: {case}: {'as it should be' if line['right'] else 'NOT AS IT SHOULD BE'}", flush=True)


def only(cases: Iterator[Case], names: list[str]) -> Iterator[Case]:
    """The cases of these decoders, or all without names."""
    return ((case, prove) for case, prove in cases if not names or case.split()[0] in names)


def main() -> int:
    """Runs what is not there yet; 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--summary", type=Path, default=Path("certify.md"))
    parser.add_argument("--lines", type=Path, default=Path("certify.jsonl"))
    parser.add_argument("--certificates", type=Path, default=Path("certificates"))
    parser.add_argument("--pieces", type=Path, default=Path("runs/certify"), help="of certificates on their way")
    parser.add_argument("--part", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--only", nargs="*", choices=sorted(DECODERS), default=[], help="of the contenders")
    parser.add_argument("--drafter", nargs="*", default=[], help="DECODER=FOLDER")
    parser.add_argument("--keep", action="store_true", help="nothing again that another commit has proved")
    chosen = parser.parse_args()
    here = origin(CODE, machine_line(process_manifest()))
    drafters = {name: Path(folder) for name, _, folder in (given.partition("=") for given in chosen.drafter)}

    def found() -> list[Line]:
        return known(chosen.lines, here, chosen.certificates, keep=chosen.keep)

    pieces = chosen.pieces / here["code"]
    cases = {
        "laws": laws(), "draws": draws(), "seeds": seeds(), "faults": faults(), "loops": loops(),
        "contenders": only(contenders(drafters, chosen.certificates, pieces), chosen.only),
    }  # fmt: skip
    for part in chosen.part:
        run(cases[part], part, found(), lambda line: append(chosen.lines, {**here, **line}))
    lines = found()  # those that others have added meanwhile among them
    missing = [each for each in left_out(drafters) if each.split()[0] not in {line.get("decoder") for line in lines}]
    if missing:
        print(f"left out: {', '.join(missing)}", flush=True)
    atomic_write_text(chosen.summary, page(lines, here["commit"], missing))
    return 0 if all(line["right"] for line in lines) else 1


if __name__ == "__main__":
    run_settled("tests.certify.campaign")
    sys.exit(main())
