import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from offbook.harness.matrix import claims
from offbook.harness.matrix.claims import Claim, claim_path, claimed, holders, read_claim, sweep, this_host

KEY = "ab" * 32


def a_claim(**changes: object) -> Claim:
    claim = Claim(key=KEY, host=this_host(), pid=1, start="0", token="t", heartbeat=time.time())
    return replace(claim, **changes)  # type: ignore[arg-type]


def put(folder: Path, claim: Claim) -> Path:
    path = claim_path(folder, KEY)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(claim.to_bytes())
    return path


def ended_process() -> subprocess.Popen[bytes]:
    """A process that is over and was not waited for."""
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        child.stdout.read()
    while claims._start_of(child.pid) is not None:
        time.sleep(0.01)
    return child


def test_one_of_two_holds_a_stage(tmp_path: Path) -> None:
    with claimed(tmp_path, KEY) as first:
        assert first is None
        with claimed(tmp_path, KEY) as second:
            assert second is not None
            assert second.holder().startswith(f"process {os.getpid()} on ")
        assert holders(tmp_path).keys() == {KEY}  # the second took nothing away
    assert not list((tmp_path / "claims").iterdir())


def test_a_claim_is_given_back_when_the_stage_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), claimed(tmp_path, KEY):
        raise KeyboardInterrupt
    assert not list((tmp_path / "claims").iterdir())


def test_a_dead_process_of_this_machine_loses_its_claim(tmp_path: Path) -> None:
    child = ended_process()
    put(tmp_path, a_claim(pid=child.pid))
    assert holders(tmp_path) == {}
    with claimed(tmp_path, KEY) as holder:
        assert holder is None
    child.wait()


def test_a_number_used_again_is_another_process(tmp_path: Path) -> None:
    put(tmp_path, a_claim(pid=os.getpid(), start="1"))
    assert holders(tmp_path) == {}
    put(tmp_path, a_claim(pid=os.getpid(), start=claims._start_of(os.getpid())))
    assert holders(tmp_path).keys() == {KEY}


def test_a_process_of_another_machine_loses_its_claim_by_silence(tmp_path: Path) -> None:
    put(tmp_path, a_claim(host="elsewhere"))
    with claimed(tmp_path, KEY) as holder:
        assert holder is not None
        assert holder.holder() == "process 1 on elsewhere"
    put(tmp_path, a_claim(host="elsewhere", heartbeat=time.time() - claims.EXPIRES_S - 1))
    with claimed(tmp_path, KEY) as holder:
        assert holder is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"key": 1}', b"\xff"])
def test_a_claim_that_nobody_can_read_is_nobodys(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path, a_claim())
    path.write_bytes(content)
    with claimed(tmp_path, KEY) as holder:
        assert holder is None
    path.write_bytes(content)
    sweep(tmp_path)
    assert not path.exists()


def test_the_heart_beats_while_the_stage_is_done_and_not_into_the_claim_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "HEARTBEAT_S", 0.01)
    with claimed(tmp_path, KEY):
        path = claim_path(tmp_path, KEY)
        before = read_claim(path)
        assert before is not None
        while (after := read_claim(path)) is None or after.heartbeat == before.heartbeat:
            time.sleep(0.01)
        assert after.token == before.token
        other = put(tmp_path, a_claim()).read_bytes()
        time.sleep(0.05)
        assert path.read_bytes() == other
    assert path.read_bytes() == other


def test_who_sets_a_dead_claim_aside_leaves_the_one_that_replaced_it(tmp_path: Path) -> None:
    path = put(tmp_path, a_claim(token="living"))
    claims._set_aside(path, "dead")
    claim = read_claim(path)
    assert claim is not None
    assert claim.token == "living"
    claims._set_aside(path, "living")
    assert not list(path.parent.iterdir())


def test_what_dead_processes_left_is_swept(tmp_path: Path) -> None:
    path = put(tmp_path, a_claim(pid=os.getpid(), start="1"))
    old, young = path.with_name(".0a.tmp"), path.with_name(".0b.tmp")
    old.touch()
    young.touch()
    os.utime(old, (0, 0))
    sweep(tmp_path)
    assert list(path.parent.iterdir()) == [young]
