"""What is wrong with compiled kernels: judged on made-up ones, and on some that are compiled here, without a GPU."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from offbook.kernels.proof import machine_record
from offbook.kernels.proof.case import Compiled
from offbook.kernels.proof.dry_compile import MachineCode, counted, usage

SOURCE = Path(__file__).parents[2] / "src"
LISTING = """
        /*0000*/                   LDC R1, c[0x0][0x28] ;       /* 0x00000a00ff017b82 */
        /*0010*/              @!P0 LDG.E.128 R4, desc[UR4][R2.64] ;
        /*0020*/               @P1 LDG.E.U16 R9, desc[UR4][R2.64] ;
        /*0030*/             @!UP0 UTMALDG.2D [UR8], [UR4] ;
        /*0040*/                   HGMMA.64x256x16.F32.BF16 R24, gdesc[UR4], R24 ;
        /*1050*/                   BAR.SYNC.DEFER_BLOCKING 0x0 ;
"""


def case(**changes) -> Compiled:
    return Compiled(**{"op": "op", "shape": "8B", "dtype": "bfloat16", "launch": lambda: None, **changes})


def code(**changes) -> MachineCode:
    told = {"kernel": "k", "specialisation": "x:*bf16/16 B=64", "grid": (1,), "warps": 4, "shared": 0, "stack": 0}
    return MachineCode(**{**told, "registers": 100, "sass": {"HGMMA": 4, "BAR": 2}, **changes})


def record(**changes) -> dict:
    row = machine_record.row(case(), code(**changes))
    return {row.key: row}


def test_the_disassembler_is_understood():
    assert counted(LISTING) == ({"HGMMA": 1, "LDG": 2, "UTMALDG": 1, "BAR": 1}, 6)
    assert usage(" Function k:\n  REG:168 STACK:16 SHARED:1024 LOCAL:0 CONSTANT[0]:596 TEXTURE:0") == (168, 16)


@pytest.mark.parametrize(
    ("changes", "capability", "wrong"),
    [
        ({}, 90, []),
        ({"shared": 232_448, "stack": 128}, 90, []),
        ({"shared": 232_449}, 90, ["232449 bytes of shared memory, 232448 are the most"]),
        ({"shared": 200_000}, 80, ["200000 bytes of shared memory, 166912 are the most"]),
        ({"stack": 132}, 90, ["132 bytes a thread spilled, 128 are the most"]),
        ({"sass": {"BAR": 2}}, 90, ["no tensor cores, which its operation promises"]),
        ({"sass": {"HMMA": 2}}, 80, []),
        ({"sass": {}, "kernel": "another"}, 90, []),
    ],
)
def test_limits_hold_to_the_byte(changes, capability, wrong):
    assert machine_record.over_limits(case(tensor_cores=("k",)), code(**changes), capability) == wrong


def test_a_promised_kernel_has_to_be_launched():
    assert machine_record.missing(case(tensor_cores=("k",)), [code()]) == []
    told = machine_record.missing(case(tensor_cores=("k", "l")), [code()])
    assert told == ["l was to use tensor cores and is not launched"]
    assert machine_record.missing(case(), []) == ["it launches no kernel"]


@pytest.mark.parametrize(("registers", "wrong"), [(90, 0), (110, 0), (111, 1)])
def test_a_tenth_more_registers_is_too_many(registers, wrong):
    new = machine_record.row(case(), code(registers=registers))
    assert len(machine_record.off_record(new, record(registers=100))) == wrong


def test_a_kernel_that_is_not_recorded_has_to_be():
    new = machine_record.row(case(), code(specialisation="x:*bf16 B=64"))
    assert machine_record.off_record(new, record()) == ["it is not in the record; add it with --update"]


def test_the_record_of_another_triton_compares_nothing(monkeypatch):
    old = record(registers=50)
    monkeypatch.setattr(machine_record, "triton_version", lambda: "99.0")
    for changes in ({}, {"specialisation": "other"}):
        assert machine_record.off_record(machine_record.row(case(), code(**changes)), old) == []
    assert not machine_record.comparable(old, "99.0")
    assert machine_record.comparable({}, "99.0")


def test_rows_that_nothing_compiles_any_more_are_found():
    old = record()
    (only,) = old
    assert machine_record.gone(old, old.keys(), {"op"}) == []
    assert machine_record.gone(old, set(), {"op"}) == [only]
    assert machine_record.gone(old, set(), {"another"}) == []


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "kernels" / "sm_90.csv"
    assert machine_record.load_record(path) == {}
    written = record() | record(specialisation="x:*fp32, with a comma")
    machine_record.save_record(path, written)
    assert machine_record.load_record(path) == written
    assert [file.name for file in path.parent.iterdir()] == ["sm_90.csv"]


CASES = """
import sys
from pathlib import Path
import torch
from offbook.kernels import compile as compiling, tiles
from offbook.kernels.proof.case import Compiled

def launch(dtype):
    tiles.tile_stats(torch.empty(10, 49_152, dtype=dtype))

def case(shape, launch, **more):
    return Compiled(op="tiles", shape=shape, dtype="bfloat16", launch=launch, **more)

record, good = Path(sys.argv[1]), case("135M", lambda: launch(torch.bfloat16))
said = [compiling.compile_all([good], 90, record)]
said += [compiling.compile_all([good], 90, record, update=True, whole=True)]
said += [compiling.compile_all([good], 90, record, whole=True), compiling.compile_all([good], 80, record)]
broken = case("broken", lambda: launch(torch.complex64))
promising = case("135M", lambda: launch(torch.bfloat16), tensor_cores=("_tile_stats",))
said += [compiling.compile_all([broken, promising], 90, record)]
said += [compiling.compile_all([case("another", lambda: launch(torch.float16))], 90, record, whole=True)]
print("complaints:", *said)
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed here")
def test_kernels_are_compiled_for_a_gpu_that_is_not_there_and_held_to_their_record(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environ = kept | {"PYTHONPATH": str(SOURCE), "TRITON_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", CASES, str(tmp_path / "sm_90.csv")]
    told = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    # not recorded; recorded; as recorded; for sm_80; an error and no tensor cores; not recorded, and a row that is gone
    assert told.stdout.splitlines()[-1] == "complaints: 1 0 0 0 2 2"
    (row,) = machine_record.load_record(tmp_path / "sm_90.csv").values()
    assert row.kernel == "_tile_stats"
    assert 16 <= row.registers <= 128
    assert "x_ptr:*bf16/16" in row.specialisation
    assert "TILE=128" in row.specialisation
    assert "LDG=" in row.sass
