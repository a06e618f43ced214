"""The manifest says what ran and not who ran it."""

import getpass
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.harness.records.manifest import ENVIRONMENT, git_state, load_average, machine_line, machine_lines
from offbook.harness.roster.command_line import process_manifest


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "a.txt").write_text("one\n")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-m", "one")
    return tmp_path


def test_the_manifest_holds_what_a_reader_needs() -> None:
    made = process_manifest(["offbook", "reproduce"], environ={})
    assert made["offbook"] == offbook.__version__
    assert made["argv"] == ["offbook", "reproduce"]
    for name in ("python", "platform", "cpu", "cores", "torch_threads", "utc"):
        assert made[name], name
    packages = made["packages"]
    assert isinstance(packages, dict)
    assert packages["torch"]
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_the_manifest_says_on_how_many_cores_and_how_politely_it_ran() -> None:
    code = (
        "from offbook.harness.roster.command_line import process_manifest as manifest; m = manifest([]); "
        "print(m['usable_cores'], m['nice'])"
    )
    script = f"import os; os.nice(3); os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}}); {code}"
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not bind processes to cores")
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", str(min(os.nice(0) + 3, 19))]


def test_what_a_system_does_not_count_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("getloadavg", "sched_getaffinity", "getpriority"):
        monkeypatch.delattr(os, name, raising=False)
    made = process_manifest([], environ={})
    assert (load_average(), made["usable_cores"], made["nice"]) == (None, None, None)


def test_a_load_that_cannot_be_read_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    def unobtainable() -> None:
        raise OSError

    monkeypatch.setattr(os, "getloadavg", unobtainable)
    assert load_average() is None


def test_the_load_is_three_averages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.123, 4.0, 5.678))
    assert load_average() == [0.12, 4.0, 5.68]


def test_of_the_environment_only_known_names_are_kept() -> None:
    made = process_manifest(
        [], environ={"OMP_NUM_THREADS": "1", "HOSTNAME": "secret-host", "HF_TOKEN": "hf_abcdefgh", "USER": "u"}
    )
    assert made["environment"] == {"OMP_NUM_THREADS": "1"}
    assert not any("TOKEN" in name.replace("TOKENIZERS", "") or "KEY" in name for name in ENVIRONMENT)


def test_no_host_no_user_no_home_is_in_the_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    home = "/home" + "/somebody-1234"
    text = json.dumps(
        process_manifest([f"{home}/bin/offbook", f"--out={home}/x", f"{home}/y/"], environ={"HOME": home})
    )
    assert "somebody" not in text
    assert "/home" not in text
    assert len(platform.node()) < 4 or platform.node() not in text
    assert f'"{getpass.getuser()}"' not in text


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    state = git_state(checkout)
    assert len(str(state["commit"])) == 40
    assert (state["diff_sha256"], state["untracked_files"]) == (None, 0)


def test_uncommitted_changes_are_in_the_hash(checkout: Path) -> None:
    (checkout / "a.txt").write_text("two\n")
    (checkout / "new.txt").write_text("new\n")
    first = git_state(checkout)
    (checkout / "a.txt").write_text("three\n")
    second = git_state(checkout)
    assert first["untracked_files"] == 1
    assert len(str(first["diff_sha256"])) == 64
    assert first["diff_sha256"] != second["diff_sha256"]


def test_outside_a_checkout_the_absence_is_named(tmp_path: Path) -> None:
    assert git_state(tmp_path) == {"commit": None, "absence": "not run from a git checkout of offbook"}


def test_a_checkout_around_an_installed_package_is_not_ours(checkout: Path) -> None:
    installed = checkout / "venv" / "offbook"
    installed.mkdir(parents=True)
    assert git_state(installed)["commit"] is None


def test_without_git_the_absence_is_named(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert git_state(checkout)["commit"] is None


def test_the_manifest_says_what_the_processor_can_do_and_how_threads_wait() -> None:
    made = process_manifest([], environ={"OMP_WAIT_POLICY": "PASSIVE", "ONEDNN_MAX_CPU_ISA": "AVX2", "HOME": "/x"})
    assert made["environment"] == {"OMP_WAIT_POLICY": "PASSIVE", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    assert isinstance(made["cpu_flags"], list)
    assert isinstance(made["bf16_in_hardware"], bool)
    assert made["cpu_capability"]
    assert "waiting: passive" in machine_line(made)
    assert "waiting: library's" in machine_line(process_manifest([], environ={}))


def test_a_machine_stands_once_with_the_range_of_its_load() -> None:
    def loaded(cpu: str, start: float, end: float) -> dict[str, Any]:
        return {"cpu": cpu, "load_average": {"start": [start, 9.0, 9.0], "end": [end, 9.0, 9.0]}}

    in_a_heat = {"cpu": "A", "heat": {"load_average": {"start": [0.25, 9, 9], "end": None}}}
    first, second = machine_lines([loaded("A", 1.0, 3.0), in_a_heat, {"cpu": "B"}, loaded("A", 2.0, 0.5)])
    assert first.startswith("A, ")
    assert first.endswith(", load 0.2 to 3.0")
    assert second.startswith("B, ")
    assert second.endswith(", load unknown")
    assert machine_lines([]) == []


def test_the_machine_fits_one_line() -> None:
    line = machine_line(process_manifest([], environ={}))
    assert "\n" not in line
    assert "unknown" not in line


@pytest.mark.parametrize("made", [{}, {"packages": None, "gpu": None}, {"cores": 4}])
def test_an_old_manifest_still_gives_a_line(made: dict[str, Any]) -> None:
    assert "unknown" in machine_line(made)
