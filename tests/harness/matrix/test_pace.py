"""Status tells what runs, how fast, how long the rest takes and how to go on."""

import json
import os
import platform
import time
from dataclasses import replace
from pathlib import Path

import pytest

from offbook.engine.progress import Silent
from offbook.harness.cli.main import main
from offbook.harness.matrix import claims
from offbook.harness.matrix.claims import claim_path, claimed, read_claim
from offbook.harness.matrix.folders import finish
from offbook.harness.matrix.noted import Noted
from offbook.harness.matrix.pace import go_on, spell
from offbook.harness.matrix.status import status
from offbook.harness.records.locks import HOLDER
from tests.chaos.tiny import key, planned, stage

MIDDAY = 1_000_000_000.0


def typed(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main([*words])
    return int(end.value.code or 0)


def test_a_stage_that_counts_tells_its_own_rate(tmp_path: Path) -> None:
    planned(tmp_path, [stage("counts"), stage("waits")])
    with claimed(tmp_path, key("counts")):
        path = claim_path(tmp_path, key("counts"))
        now = time.time()
        claim = read_claim(path)
        assert claim is not None
        path.write_bytes(replace(claim, since=now - 100, began=now - 60, heartbeat=now, done=30, total=90).to_bytes())
        found = status(tmp_path).pace
    (running,) = found.running
    assert running.per_s == pytest.approx(0.5, rel=0.01)
    assert running.left_s == pytest.approx(120, rel=0.05)
    assert "for 2 min, 30 of 90, 30 a minute, about 2 min left" in running.told()
    assert (found.waiting, found.unknown) == (1, 1)
    assert found.left_s == pytest.approx(120, rel=0.05)
    assert "without 1 of which nothing tells" in found.lines()[0]


def test_every_heartbeat_tells_how_far_the_stage_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "HEARTBEAT_S", 0.01)
    planned(tmp_path, [stage("counts")])
    noted = Noted(Silent())
    with claimed(tmp_path, key("counts"), noted):
        noted.update(3, 8, "of eight")
        until = time.monotonic() + 60
        while (claim := read_claim(claim_path(tmp_path, key("counts")))) is None or claim.total != 8:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert (claim.done, claim.total) == (3, 8)


def test_what_is_counted_anew_is_timed_anew() -> None:
    clock = iter([MIDDAY, MIDDAY + 5, MIDDAY + 9])
    noted = Noted(Silent(), lambda: next(clock))
    assert noted.began == MIDDAY
    noted.update(1, 10, "")
    noted.update(2, 10, "")
    assert (noted.began, noted.done) == (MIDDAY + 5, 2)
    noted.update(1, 4, "")
    assert noted.began == MIDDAY + 9


def test_a_run_that_nobody_does_tells_how_to_go_on(tmp_path: Path) -> None:
    planned(tmp_path, [stage("one")])
    found = status(tmp_path).pace
    assert found.go_on == f"offbook run {tmp_path}"
    assert found.lines()[-1] == f"nobody is at work; go on with: offbook run {tmp_path}"
    (tmp_path / "run.json").write_text(json.dumps({"profile": "laptop"}))
    assert go_on(tmp_path) == f"offbook reproduce --profile laptop --output {tmp_path}"
    finish(tmp_path)
    assert go_on(tmp_path) == f"offbook run {tmp_path}"


def test_who_is_at_work_is_told_and_who_is_gone_is_not(tmp_path: Path) -> None:
    planned(tmp_path, [stage("one")])
    who = {"pid": os.getpid(), "host": platform.node(), "what": "run", "since": "2026-01-02 03:04 UTC"}
    (tmp_path / HOLDER).write_text(json.dumps(who))
    assert f"at work: process {os.getpid()} on " in status(tmp_path).pace.lines()[-1]
    (tmp_path / HOLDER).write_text(json.dumps(who | {"pid": 2**22 + 1}))
    assert status(tmp_path).pace.at_work == ""


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (3720, "1 h 2 min"), (90_000, "1 d 1 h"), (86_400, "1 d")],
)
def test_times_are_spelt_in_two_units_at_most(seconds: float, told: str) -> None:
    assert spell(seconds) == told


def test_without_a_folder_every_run_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed("status") == 0
    assert "no run below runs/" in capfd.readouterr().err
    (tmp_path / "runs").mkdir()
    planned(tmp_path / "runs" / "first", [stage("one")])
    assert typed("status") == 0
    told = " ".join(capfd.readouterr().out.split())
    assert "runs/first" in told
    assert "0 of 1" in told
    assert typed("status", "--json") == 0
    (row,) = json.loads(capfd.readouterr().out)["runs"]
    assert (row["folder"], row["total"]["pending"], row["go_on"]) == ("runs/first", 1, "offbook run runs/first")
