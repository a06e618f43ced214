"""Compiles every Triton launch of ordinary code for a GPU that is not there, and runs none.

    with dry_compile(90) as built:
        operation(*cpu_tensors, implementation="triton")     # outputs stay unwritten
    for machine_code in built: ...

A driver that only reports the GPU's capability stands in for the real one, and a launch ends once it has compiled, with
the specialisation that its arguments call for: backward passes and tensor descriptors too. Triton's wheel brings the
assembler and the disassembler. Never in a process that interprets.
"""

import contextlib
import importlib
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from offbook.kernels.implementation import interpreted

TENSOR_CORES = ("HGMMA", "HMMA", "UTCHMMA", "UTCQMMA")  # Hopper's, those before it, Blackwell's
COUNTED = (*TENSOR_CORES, "LDL", "STL", "LDG", "STG", "LDGSTS", "UTMALDG", "UTMASTG", "BAR", "SHFL", "MUFU")


@dataclass(frozen=True, kw_only=True)
class MachineCode:
    """One compiled kernel.

    Attributes:
        kernel: its name.
        specialisation: constants and types it was compiled for; `/16` at a type says divisible by 16.
        grid: programs of the launch that was met first.
        warps: of a program.
        shared: bytes of shared memory a program asks for.
        registers: a thread.
        stack: bytes a thread; what did not fit in registers is spilled there.
        sass: how often each of `COUNTED` occurs, those that do.
        instructions: of all kinds.
    """

    kernel: str
    specialisation: str
    grid: tuple[int, ...]
    warps: int
    shared: int
    registers: int
    stack: int
    sass: Mapping[str, int] = field(default_factory=dict)
    instructions: int = 0

    @property
    def tensor_cores(self) -> int:
        """Instructions for tensor cores."""
        return sum(self.sass.get(name, 0) for name in TENSOR_CORES)


@contextlib.contextmanager
def dry_compile(capability: int = 90) -> Iterator[list[MachineCode]]:
    """Compile what this context launches; the list grows by every distinct kernel.

    Raises:
        RuntimeError: the process interprets.
    """
    if interpreted():
        msg = "expected a process without TRITON_INTERPRET, got one that interprets its kernels and compiles none"
        raise RuntimeError(msg)
    jit: Any = importlib.import_module("triton.runtime.jit")
    active: Any = importlib.import_module("triton.runtime.driver").driver
    built: list[MachineCode] = []
    seen: set[str] = set()
    launch, before = jit.JITFunction.run, active._active

    def run(self: Any, *arguments: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        kernel = launch(self, *arguments, grid=grid, warmup=True, **options)
        if kernel.hash not in seen:
            seen.add(kernel.hash)
            named = dict(zip((p.name for p in self.params), arguments, strict=False)) | options
            built.append(_machine_code(kernel, grid(named) if callable(grid) else grid))
        return kernel

    jit.JITFunction.run = run
    active.set_active(_driver(capability))
    try:
        yield built
    finally:
        jit.JITFunction.run, active._active = launch, before


def _driver(capability: int) -> Any:
    """A driver that knows which GPU it is for, and nothing else."""
    compiler: Any = importlib.import_module("triton.backends.compiler")
    base: Any = importlib.import_module("triton.backends.driver").DriverBase

    class DryDriver(base):  # type: ignore[misc]
        @classmethod
        def is_active(cls) -> bool:
            return False

        def map_python_to_cpp_type(self, ty: str) -> str:
            return ty

        def get_current_target(self) -> Any:
            return compiler.GPUTarget("cuda", capability, 32)

        def get_active_torch_device(self) -> torch.device:
            return torch.device("cpu")

        def get_current_device(self) -> int:
            return capability  # kernels are kept by device, and those of two capabilities apart

        def get_current_stream(self, device: int = 0) -> int:
            return 0

        def get_benchmarker(self) -> Any:
            msg = "expected kernels with configurations from a table, got one that measures them by @triton.autotune"
            raise RuntimeError(msg)

    return DryDriver()


def _machine_code(kernel: Any, grid: tuple[Any, ...]) -> MachineCode:
    registers, stack, sass, instructions = _disassembled(kernel.asm["cubin"])
    return MachineCode(
        kernel=kernel.metadata.name,
        specialisation=_specialisation(kernel.src),
        grid=tuple(int(size) for size in grid),
        warps=kernel.metadata.num_warps,
        shared=kernel.metadata.shared,
        registers=registers,
        stack=stack,
        sass=sass,
        instructions=instructions,
    )


def _specialisation(source: Any) -> str:
    """Names of arguments with their constants, or else types."""
    constants = {path[0]: value for path, value in source.constants.items() if len(path) == 1}
    divisible = {path[0] for path, found in source.attrs.items() if ["tt.divisibility", 16] in map(list, found)}
    words = []
    for place, (name, kind) in enumerate(source.signature.items()):
        if place in constants:
            words.append(f"{name}={getattr(constants[place], 'name', constants[place])}")
        else:
            words.append(f"{name}:{kind}{'/16' if place in divisible else ''}")
    return " ".join(str(word).replace(" ", "") for word in words)


def _disassembled(cubin: bytes) -> tuple[int, int, dict[str, int], int]:
    """Registers, bytes of stack, counted instructions and all of them."""
    package = importlib.import_module("triton.backends.nvidia").__file__
    assert package is not None
    tool = Path(package).parent / "bin" / "cuobjdump"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.cubin"
        file.write_bytes(cubin)
        told = [
            subprocess.run([tool, flag, file], capture_output=True, text=True, check=True).stdout
            for flag in ("-res-usage", "-sass")
        ]
    return *usage(told[0]), *counted(told[1])


def usage(told: str) -> tuple[int, int]:
    """Registers and bytes of stack, as `cuobjdump -res-usage` tells them."""
    found = re.search(r"REG:(\d+) STACK:(\d+)", told)
    assert found is not None, told
    return int(found[1]), int(found[2])


def counted(listing: str) -> tuple[dict[str, int], int]:
    """Counted instructions and all of them, in a listing by `cuobjdump -sass`."""
    names = re.findall(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*)", listing)
    counts = Counter(names)
    return {name: counts[name] for name in COUNTED if counts[name]}, len(names)
