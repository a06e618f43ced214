"""A finished run of a real, tiny matrix is damaged, looked at by every command that reads it, and gone on with.

    python -m tests.chaos.corruptions [--count 1000] [--seed 0]

Each damage (`damage.py`) meets a run whose files were checked and remembered as they are, or one that nobody looked at.
`verify`, `report`, `ls`, `status` and `run` must each end with a status and a line, and no table may differ from the
true one in a figure: what is noticed is refused, or an artifact that is named and made again before anybody uses it.
What a run makes again is taken from the true run; of every `real`-th damaged artifact, it is really made.
"""

import argparse
import collections
import contextlib
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from offbook.harness.matrix.graph import PLAN, TRIALS
from offbook.harness.records.store import Store
from tests.chaos.damage import ARTIFACTS, KINDS, STORE, TARGETS, cases
from tests.chaos.true_run import (
    Run,
    bad_artifacts,
    figures,
    real_runners,
    restore,
    same_records,
    stand_ins,
    told,
    true_run,
)

TICK_S = 0.01  # longer than the clock of a file system takes, so that what is written next has another time
Outcomes = collections.Counter[tuple[str, str]]  # by kind, and "noticed" or "harmless"
SHARES = {"records": 4, "rows": 4, "ledger": 3, "drafters": 3, "students": 4, "answers": 2}  # of others 1


def corruptions(true: Run, place: Path, count: int, *, seed: int = 0, real: int = 0) -> tuple[Outcomes, list[str]]:
    """Damages a copy of a run `count` times, and makes it whole again.

    Returns:
        How often each kind was noticed or did no harm, and what was wrong.
    """
    draw, outcomes, faults = random.Random(seed), Outcomes(), list[str]()
    run = place / "run"
    shutil.copytree(true.folder, run)
    names = list(TARGETS)
    with stand_ins(true):
        while sum(outcomes.values()) < count:
            restore(run, true.folder)
            target = draw.choices(names, [SHARES.get(name, 1) for name in names])[0]
            kind = draw.choice(list(KINDS))
            number = sum(outcomes.values())
            before = _before(run, true, target, draw)
            case = cases(run, target, draw, true.earlier)
            if case is None or not KINDS[kind](case):
                continue
            name = f"{number}: {case.path.relative_to(run)}, {kind}{before}"
            really = bool(real) and target in ARTIFACTS and number % real == 0
            outcome, found = judged(run, true, target, place / "out", retired=" retired" in before, really=really)
            outcomes[kind, outcome] += 1
            faults += [f"{name}: {fault}" for fault in found]
            for fault in found:
                print(f"{name}: {fault}", file=sys.stderr, flush=True)
    return outcomes, faults


def _before(run: Path, true: Run, target: str, draw: random.Random) -> str:
    """Has the run looked at, or its memories deleted; sometimes a trial behind an artifact is still to be done."""
    told_of = ""
    if target in ARTIFACTS and draw.random() < 0.3:
        trial = draw.choice([stage for stage in true.graph.of_kind(*TRIALS) if stage.needs])
        store = Store(run)
        for line in store.ledger.behind(trial.key):
            store.retire(line.key)
        told_of = f", {trial.title} retired"
    if draw.random() < 0.5:
        told("verify", str(run))
        time.sleep(TICK_S)
        return f"{told_of}, checked before"
    for path in [run / ".checked.jsonl", run / ".tables.jsonl", *run.glob("artifacts/*/.checked.json")]:
        path.unlink(missing_ok=True)
    return told_of


def judged(run: Path, true: Run, target: str, out: Path, *, retired: bool, really: bool) -> tuple[str, list[str]]:
    """What came of a damage, and what is wrong with that."""
    faults = list[str]()
    status = dict[str, int]()
    said = dict[str, str]()
    shutil.rmtree(out, ignore_errors=True)
    for command, *options in (["verify"], ["report", "--output", str(out)], ["ls"], ["status"]):
        status[command], said[command], err = told(command, str(run), *options)
        faults += [f"{command}: {fault}" for fault in _ill(status[command], said[command], err)]
        if command == "verify" and status[command] and not said[command] + err:
            faults.append("verify: not told")
    noticed = bool(status["verify"])
    there, wanted = figures(out), true.figures
    if not (run / PLAN).is_file():  # pages say less where nobody knows what was planned
        there, wanted = ({name: text for name, text in of.items() if name.endswith(".csv")} for of in (there, wanted))
    if status["report"] and there:
        faults.append(f"report: status {status['report']}, and tables")
    if not status["report"] and not retired and there != wanted:
        faults.append(f"another table: {_difference(there, wanted)}")
    if target in STORE and noticed and not (status["report"] and status["ls"]):
        faults.append(f"verify notices it, report ends with {status['report']} and ls with {status['ls']}")
    if not noticed and not retired:
        faults += same_records(run, true)
    if not noticed and (bad := bad_artifacts(run, true)):
        faults.append(f"not noticed: {bad[0]}")
    return "noticed" if noticed else "harmless", faults + _gone_on(run, true, target, noticed=noticed, really=really)


def _gone_on(run: Path, true: Run, target: str, *, noticed: bool, really: bool) -> list[str]:
    """What is wrong with the run that goes on."""
    bad = bad_artifacts(run, true)
    with real_runners() if really else contextlib.nullcontext():
        status, out, err = told("run", str(true.file), "--output", str(run), "--executor", "in-process")
    faults = [f"run: {fault}" for fault in _ill(status, out, err)]
    if status:
        if not noticed or target in ARTIFACTS:
            faults.append(f"run: status {status}: {err[-300:]}")
        return faults
    faults += [f"run: not named: {problem}" for problem in bad if problem.partition(":")[0] not in out + err]
    if target != "failures" and told("verify", str(run))[0]:  # those stay until somebody deletes them
        faults.append(f"run: status 0, and then {told('verify', str(run))[1][:300]}")
        return faults
    there = {name: text for name, text in figures(run).items() if name in true.figures}
    if there != true.figures:
        faults.append(f"run: another table: {_difference(there, true.figures)}")
    rest = bad_artifacts(run, true, "*.safetensors" if really else "[!.]*")  # the time that a training took is another
    return faults + [f"run: {fault}" for fault in (*same_records(run, true), *rest)]


def _ill(status: int, out: str, err: str) -> list[str]:
    """A traceback, a status that no command has, an error of more than one line."""
    if status not in (0, 1, 2) or "Traceback" in out + err:
        return [f"status {status}: {(out + err)[-500:]}"]
    errors = [line for line in err.splitlines() if line.startswith("offbook: error: ")]
    return [f"expected a line, got {len(errors)}: {err[-300:]}"] if status == 2 and len(errors) != 1 else []


def _difference(one: dict[str, str], other: dict[str, str]) -> str:
    if one.keys() != other.keys():
        return f"{sorted(one)} for {sorted(other)}"
    name = next(name for name in one if one[name] != other[name])
    pairs = zip(one[name].splitlines(), other[name].splitlines(), strict=False)
    return f"{name}: {next(((a, b) for a, b in pairs if a != b), 'a line more or less')}"[:600]


def main() -> int:
    """See the module; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=int, default=40, help="how often an artifact is really made again")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        true = true_run(Path(place))
        outcomes, faults = corruptions(true, Path(place), chosen.count, seed=chosen.seed, real=chosen.real)
    noticed = sum(number for (_, outcome), number in outcomes.items() if outcome == "noticed")
    print(f"{chosen.count} corruptions: {noticed} noticed, {chosen.count - noticed} harmless, {len(faults)} faults")
    kinds = sorted({kind for kind, _ in outcomes})
    print(
        *(f"{kind}: {outcomes[kind, 'noticed']} noticed, {outcomes[kind, 'harmless']} harmless" for kind in kinds),
        sep="\n",
    )
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
