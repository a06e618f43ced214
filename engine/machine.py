"""What this machine can do: abilities of the processor as far as this process may use them, cores and threads.

Choices that depend on the machine (number formats, threads) read them here, and every manifest writes them down. All of
it is hardware, limits and environment: how busy the machine is decides nothing.
"""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import JsonValue

from offbook.engine.threads import usable_cores

FLAGS = ("avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_fp16")
ISA_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # the second is oneDNN's older name
ISA_WITHOUT_BF16 = ("sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2", "avx512_core", "avx512_core_vnni")


def has_bf16(device: torch.device, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a device multiplies bfloat16 matrices in hardware.

    On CUDA from compute capability 8.0 on, on a CPU with AVX512-BF16 or AMX-BF16, unless ATEN_CPU_CAPABILITY or
    ONEDNN_MAX_CPU_ISA keep torch from using them. Elsewhere bfloat16 works too, but as slowly as it is converted: on a
    CPU with AVX2 alone a training step takes twenty times as long as in float32.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    environ = os.environ if environ is None else environ
    limits = [environ[name].lower() for name in ISA_LIMITS if environ.get(name)]
    allowed = cpu_capability().startswith("AVX512") and (not limits or limits[0] not in ISA_WITHOUT_BF16)
    flags = cpu_flags()
    return allowed and (flags["avx512_bf16"] or flags["amx_bf16"])


def cpu_flags() -> dict[str, bool]:
    """What the processor has, of what changes speed or numbers here."""
    found = torch.cpu.get_capabilities()
    return {name: bool(found.get(name, False)) for name in FLAGS}


def cpu_capability() -> str:
    """What torch's own kernels use of it, such as AVX2 or AVX512; ATEN_CPU_CAPABILITY limits it."""
    return str(torch.backends.cpu.get_cpu_capability())


def cpu_name() -> str:
    """As the processor calls itself."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def abilities() -> dict[str, JsonValue]:
    """All of it as JSON values, for manifests."""
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
