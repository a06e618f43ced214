"""What this machine can do: abilities of the processor as far as this process may use them, cores and threads.

Choices that depend on the machine (number formats, threads) read them here, and every manifest writes them down. All of
it is hardware, limits and environment: how busy the machine is decides nothing.

torch decides what it uses, and so is asked; it is loaded where it is. `at_a_glance` loads nothing, for who lists only.
"""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from offbook.engine.json_value import JsonValue
from offbook.engine.threads import usable_cores

if TYPE_CHECKING:
    import torch

FLAGS = ("avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_fp16")
ISA_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # the second is oneDNN's older name
ISA_WITHOUT_BF16 = ("sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2", "avx512_core", "avx512_core_vnni")
CPUINFO = Path("/proc/cpuinfo")
NVIDIA = Path("/proc/driver/nvidia/gpus")
# What torch asks for before it uses a set (ATen's DispatchStub), as Linux calls it.
CAPABILITIES = {"AVX512": {"avx512vl", "avx512bw", "avx512dq", "fma"}, "AVX2": {"avx2", "fma"}}


def has_bf16(device: "torch.device", environ: Mapping[str, str] | None = None) -> bool:
    """Whether a device multiplies bfloat16 matrices in hardware.

    On CUDA from compute capability 8.0 on, on a CPU with AVX512-BF16 or AMX-BF16, unless ATEN_CPU_CAPABILITY or
    ONEDNN_MAX_CPU_ISA keep torch from using them. Elsewhere bfloat16 works too, but as slowly as it is converted: on a
    CPU with AVX2 alone a training step takes twenty times as long as in float32.
    """
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    return _multiplies_bf16(cpu_capability(), cpu_flags(), os.environ if environ is None else environ)


def _multiplies_bf16(capability: str, flags: Mapping[str, bool], environ: Mapping[str, str]) -> bool:
    limits = [environ[name].lower() for name in ISA_LIMITS if environ.get(name)]
    allowed = capability.startswith("AVX512") and (not limits or limits[0] not in ISA_WITHOUT_BF16)
    return allowed and (flags["avx512_bf16"] or flags["amx_bf16"])


def cpu_flags() -> dict[str, bool]:
    """What the processor has, of what changes speed or numbers here."""
    import torch

    found = torch.cpu.get_capabilities()
    return {name: bool(found.get(name, False)) for name in FLAGS}


def cpu_capability() -> str:
    """What torch's own kernels use of it, such as AVX2 or AVX512; ATEN_CPU_CAPABILITY limits it."""
    import torch

    return str(torch.backends.cpu.get_cpu_capability())


def cpu_name() -> str:
    """As the processor calls itself."""
    return _of_cpuinfo("model name", CPUINFO) or platform.processor() or platform.machine()


def abilities() -> dict[str, JsonValue]:
    """All of it as JSON values, for manifests."""
    import torch

    return {
        "cpu": cpu_name(),
        "cpu_capability": cpu_capability(),
        "cpu_flags": [name for name, found in cpu_flags().items() if found],
        "onednn": torch.backends.mkldnn.is_available(),
        "bf16_in_hardware": has_bf16(torch.device("cuda" if torch.cuda.is_available() else "cpu")),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "torch_threads": torch.get_num_threads(),
    }


def at_a_glance(
    environ: Mapping[str, str] | None = None, *, cpuinfo: Path = CPUINFO, nvidia: Path = NVIDIA
) -> dict[str, JsonValue]:
    """What of `abilities` can be told without torch, and the first GPU's name; None is what only torch knows.

    Args:
        environ: of the process.
        cpuinfo: where Linux tells of the processor.
        nvidia: where its driver tells of GPUs, a folder each.
    """
    environ = os.environ if environ is None else environ
    features = set(_of_cpuinfo("flags", cpuinfo).split())
    gpu = next(filter(None, (_of_cpuinfo("Model", path / "information") for path in _folders(nvidia))), None)
    capability = _capability(features, environ.get("ATEN_CPU_CAPABILITY", ""))
    bf16 = None
    if gpu is None and capability is not None:
        flags = {name: name in features for name in ("avx512_bf16", "amx_bf16")}
        bf16 = _multiplies_bf16(capability, flags, environ)
    threads = next((environ[name] for name in ("MKL_NUM_THREADS", "OMP_NUM_THREADS") if environ.get(name)), "")
    return {
        "cpu": _of_cpuinfo("model name", cpuinfo) or platform.processor() or platform.machine(),
        "cpu_capability": capability,
        "bf16_in_hardware": bf16,
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "torch_threads": int(threads) if threads.isdecimal() else None,
        "gpu": gpu,
    }


def _capability(features: set[str], limit: str) -> str | None:
    """The best set that a processor of these features has, up to the limit; None of a processor of another kind."""
    if "sse2" not in features:
        return None
    names = [*CAPABILITIES]
    allowed = names[names.index(limit.upper()) :] if limit.upper() in names else [] if limit == "default" else names
    return next((name for name in allowed if features >= CAPABILITIES[name]), "DEFAULT")


def _of_cpuinfo(field: str, path: Path) -> str:
    """The first value of a field in a file of lines `field : value`; "" where there is none."""
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == field:
                return value.strip()
    except OSError:  # not Linux
        pass
    return ""


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except OSError:
        return []
