"""What a machine can do: hardware, and the limits that its user sets, decide; what else it is busy with does not."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from offbook.engine import machine
from offbook.engine.machine import FLAGS, abilities, at_a_glance, has_bf16

CPU = torch.device("cpu")


def pretend(monkeypatch: pytest.MonkeyPatch, *flags: str, capability: str = "AVX512") -> None:
    monkeypatch.setattr(machine, "cpu_flags", lambda: {name: name in flags for name in FLAGS})
    monkeypatch.setattr(machine, "cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (("avx2",), False),
        (("avx2", "avx512_f", "avx512_vnni"), False),
        (("avx2", "avx512_f", "avx512_bf16"), True),
        (("avx2", "avx512_f", "amx_bf16"), True),
    ],
    ids=["AVX2", "AVX-512 without bfloat16", "AVX512-BF16", "AMX"],
)
def test_bfloat16_is_in_hardware_where_the_flags_say_so(
    monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], expected: bool
) -> None:
    pretend(monkeypatch, *flags)
    assert has_bf16(CPU, {}) is expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ONEDNN_MAX_CPU_ISA": "AVX2"}, False),
        ({"ONEDNN_MAX_CPU_ISA": "avx512_core_vnni"}, False),
        ({"DNNL_MAX_CPU_ISA": "AVX2"}, False),
        ({"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}, True),
        ({"ONEDNN_MAX_CPU_ISA": "DEFAULT"}, True),
        ({"ONEDNN_MAX_CPU_ISA": ""}, True),
    ],
)
def test_limits_on_onednn_are_obeyed(
    monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str], expected: bool
) -> None:
    pretend(monkeypatch, "avx512_bf16", "amx_bf16")
    assert has_bf16(CPU, environ) is expected


def test_limits_on_torchs_own_kernels_are_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "avx512_bf16", "amx_bf16", capability="AVX2")
    assert not has_bf16(CPU, {})


def test_a_cuda_device_has_bfloat16_where_it_is_not_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    for found in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, found=found: found)
        assert has_bf16(torch.device("cuda")) is found
    assert not has_bf16(torch.device("meta"))


def test_a_process_held_to_avx2_has_no_bfloat16() -> None:
    code = (
        "import torch; from offbook.engine.machine import abilities; from offbook.engine.students.precision import "
        "choose; print(choose('auto', torch.device('cpu')), abilities()['cpu_capability'], "
        "abilities()['bf16_in_hardware'])"
    )
    lesser = os.environ | {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", code], env=lesser, capture_output=True, text=True, check=True)
    precision, capability, found = done.stdout.split()
    assert (precision, found) == ("no", "False")
    assert capability in {"AVX2", "DEFAULT"}  # the second where there is no x86


def test_abilities_name_what_the_processor_has() -> None:
    found = abilities()
    flags = found["cpu_flags"]
    assert isinstance(flags, list)
    assert set(flags) <= set(FLAGS)
    assert found["torch_threads"] == torch.get_num_threads()


# --- without torch ---

AVX2 = "fpu sse2 fma avx2"
AVX512 = f"{AVX2} avx512f avx512bw avx512dq avx512vl"


def glance(folder: Path, features: str, environ: Mapping[str, str] | None = None) -> Mapping[str, object]:
    """At a machine with a processor of these features."""
    (folder / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: A CPU\nflags\t\t: {features}\n\nprocessor\t: 1\n")
    return at_a_glance(environ or {}, cpuinfo=folder / "cpuinfo", nvidia=folder / "gpus")


def test_a_glance_tells_what_torch_tells_or_nothing() -> None:
    found, true = at_a_glance(), abilities()
    told = {name for name in found if found[name] is not None} - {"gpu"}
    assert {"cpu", "cores"} <= told
    assert {name: found[name] for name in told} == {name: true[name] for name in told}


@pytest.mark.parametrize(
    ("features", "environ", "capability", "bf16"),
    [
        ("fpu sse2", {}, "DEFAULT", False),
        (AVX2, {}, "AVX2", False),
        (AVX512, {}, "AVX512", False),
        (f"{AVX512} avx512_bf16", {}, "AVX512", True),
        (f"{AVX512} amx_bf16", {}, "AVX512", True),
        (f"{AVX512} amx_bf16", {"ATEN_CPU_CAPABILITY": "avx2"}, "AVX2", False),
        (f"{AVX512} amx_bf16", {"ATEN_CPU_CAPABILITY": "default"}, "DEFAULT", False),
        (f"{AVX512} amx_bf16", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "AVX512", False),
        (f"{AVX2} avx512_bf16", {}, "AVX2", False),
    ],
)
def test_a_glance_goes_by_the_processors_features_and_the_users_limits(
    features: str, environ: Mapping[str, str], capability: str, bf16: bool, tmp_path: Path
) -> None:
    found = glance(tmp_path, features, environ)
    assert (found["cpu"], found["cpu_capability"], found["bf16_in_hardware"]) == ("A CPU", capability, bf16)


def test_what_only_torch_knows_is_left_to_it(tmp_path: Path) -> None:
    found = glance(tmp_path, "fp asimd")
    assert found["cpu_capability"] is found["bf16_in_hardware"] is found["torch_threads"] is found["gpu"] is None
    assert glance(tmp_path, AVX2, {"OMP_NUM_THREADS": "3"})["torch_threads"] == 3
    assert at_a_glance({}, cpuinfo=tmp_path / "none", nvidia=tmp_path / "none")["bf16_in_hardware"] is None


def test_a_gpu_is_known_by_its_driver_and_torch_is_left_to_say_what_it_multiplies(tmp_path: Path) -> None:
    (tmp_path / "gpus" / "0000:01:00.0").mkdir(parents=True)
    (tmp_path / "gpus" / "0000:01:00.0" / "information").write_text("Model: \t\t A GPU\nIRQ:   \t\t 11\n")
    found = glance(tmp_path, AVX512)
    assert (found["gpu"], found["bf16_in_hardware"]) == ("A GPU", None)
