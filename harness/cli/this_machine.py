"""What this machine can do, of all that decides how fast something runs here: for `offbook ls`."""

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


def told(machine: dict[str, Any]) -> dict[str, str]:
    """For people, by what is asked: processor, threads, bfloat16, GPU."""
    cores = f"{machine['usable_cores'] or 'unknown'} of {machine['cores'] or 'unknown'} cores usable"
    if not machine["bf16_in_hardware"]:
        bf16 = "not in hardware: mixed precision auto trains in float32"
    elif machine["bf16_pays"]:
        bf16 = "in hardware, and it pays: mixed precision auto trains in it"
    else:
        bf16 = "in hardware, but it does not pay: mixed precision auto trains in float32"
    return {
        "processor": f"{machine['cpu']}, kernels {machine['cpu_capability']}",
        "threads": f"{machine['torch_threads']} of torch; {cores}",
        "bf16": bf16,
        "GPU": machine["gpu"] or "none",
    }
