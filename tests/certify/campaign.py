"""Every proof of losslessness in full, and its summary: `nox -s certify`.

    python -m tests.certify.campaign [--summary results/certify.md] [--lines results/certify.jsonl]
        [--certificates results/certificates] [--part PART ...] [--only DECODER ...] [--drafter eagle2=FOLDER ...]
        [--keep]

What is found is appended to the lines as soon as it is there, and a certificate of a contender written beside. What
the lines hold of this very code (`CODE`, as it is committed) is not run again, whatever else changed since: this can be
stopped and gone on with at any time, and results may be committed in between. With `--keep` nothing is run again that
any code has proved; the page tells of each line which commit that was.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from offbook.engine.files import atomic_write_text
from offbook.engine.threads import run_settled
from offbook.harness.roster.decoders import DECODERS
from tests.certify.contenders import contenders, file_of, left_out
from tests.certify.page import PARTS, page
from tests.certify.samplers import Case, draws, faults, laws, loops, seeds
from tests.gates.base_revision import ROOT, revision

Line = dict[str, Any]
CODE = ("kernels", "engine", "tasks", "methods", "baselines", "harness", "tests/certify", "tests/controls")


def code_of(commit: str, root: Path = ROOT) -> str:
    """A hash of the code that proofs hang on."""
    trees = ["git", "-C", str(root), "rev-parse", *(f"{commit}:{path}" for path in CODE)]
    done = subprocess.run(trees, capture_output=True, text=True, check=True)
    return hashlib.sha256(done.stdout.encode()).hexdigest()[:16]


def changed(root: Path = ROOT) -> str:
    """What of it differs from the commit; empty for nothing."""
    status = ["git", "-C", str(root), "status", "--porcelain", "--", *CODE]
    return subprocess.run(status, capture_output=True, text=True, check=True).stdout.strip()


def known(file: Path, code: str, certificates: Path, *, keep: bool = False) -> list[Line]:
    """What was found of this code, or with `keep` of any, the last of each; of a contender while its file is there."""
    read = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    lines = [line for line in map(json.loads, read) if keep or line.get("code") == code]
    there = [line for line in lines if "decoder" not in line or file_of(certificates, line["decoder"]).is_file()]
    return [*{(line["part"], line["case"]): line for line in there}.values()]


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
    parser.add_argument("--part", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--only", nargs="*", choices=sorted(DECODERS), default=[], help="of the contenders")
    parser.add_argument("--drafter", nargs="*", default=[], help="DECODER=FOLDER")
    parser.add_argument("--keep", action="store_true", help="nothing again that another commit has proved")
    chosen = parser.parse_args()
    commit = revision("HEAD")
    code = code_of(commit)
    if files := changed():
        print(f"not committed, and told as if it were {commit[:12]}'s:\n{files}", flush=True)
    drafters = {name: Path(folder) for name, _, folder in (given.partition("=") for given in chosen.drafter)}
    lines = known(chosen.lines, code, chosen.certificates, keep=chosen.keep)

    def keep(line: Line) -> None:
        lines.append({"code": code, "commit": commit, **line})
        with chosen.lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(lines[-1]) + "\n")

    cases = {
        "laws": laws(), "draws": draws(), "seeds": seeds(), "faults": faults(), "loops": loops(),
        "contenders": only(contenders(drafters, chosen.certificates), chosen.only),
    }  # fmt: skip
    for part in chosen.part:
        run(cases[part], part, lines, keep)
    missing = [each for each in left_out(drafters) if each.split()[0] not in {line.get("decoder") for line in lines}]
    if missing:
        print(f"left out for want of a trained drafter: {', '.join(missing)}", flush=True)
    atomic_write_text(chosen.summary, page(lines, commit, missing))
    return 0 if all(line["right"] for line in lines) else 1


if __name__ == "__main__":
    run_settled("tests.certify.campaign")
    sys.exit(main())
