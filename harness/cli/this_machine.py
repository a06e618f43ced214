"""What this machine can do, of all that decides how fast something runs here: for `offbook ls`.

People get what is known at a glance, so that the listing comes at once; programs (`--json`) get what torch says.
"""

from collections.abc import Mapping
from typing import Any

from offbook.kernels.native_library import native_available


def layouts() -> dict[str, str]:
    """What each layout is, and whether this machine has it."""
    native, found = native_available()
    return {
        "transformers": "the model as it is",
        "prepacked": "matrices laid out for the products of this CPU",
        "packed": f"exact small weights in C ({found})" if native else f"not here: {found}",
    }


def this_machine() -> dict[str, Any]:
    """Its abilities; torch is loaded, and where a CPU has bfloat16 in hardware a product is timed, for 0.1 s."""
    import torch

    from offbook.engine.machine import abilities
    from offbook.engine.students.precision import pays

    there = torch.cuda.is_available()
    device = torch.device("cuda" if there else "cpu")
    return {
        **abilities(),
        "bf16_pays": pays(device),
        "gpu": torch.cuda.get_device_name() if there else None,
        "native_kernels": native_available()[0],
    }


def told(machine: Mapping[str, Any]) -> dict[str, str]:
    """For people, by what is asked: processor, threads, bfloat16, GPU.

    Args:
        machine: from `this_machine`, or from `at_a_glance`, which leaves to `offbook ls --json` what only torch knows.
    """
    threads, capability = machine["torch_threads"], machine["cpu_capability"]
    cores = f"{machine['usable_cores'] or 'unknown'} of {machine['cores'] or 'unknown'} cores usable"
    bf16, pays = machine["bf16_in_hardware"], machine.get("bf16_pays")
    if bf16 is None:
        in_bf16 = "torch knows: `offbook ls --json` asks it"
    elif not bf16:
        in_bf16 = "not in hardware: mixed precision auto trains in float32"
    elif pays is None:
        in_bf16 = "in hardware: mixed precision auto times whether it pays, as `offbook ls --json` does"
    elif pays:
        in_bf16 = "in hardware, and it pays: mixed precision auto trains in it"
    else:
        in_bf16 = "in hardware, but it does not pay: mixed precision auto trains in float32"
    return {
        "processor": machine["cpu"] if capability is None else f"{machine['cpu']}, kernels {capability}",
        "threads": cores if threads is None else f"{threads} of torch; {cores}",
        "bf16": in_bf16,
        "GPU": machine["gpu"] or "none",
    }
