"""Which system calls a sealed process may still make, as a seccomp program: those of pure computation, and no others.

No file can be opened, no socket made, no process or thread started, no signal sent or caught, no limit raised. The
only way out is `write` to one file descriptor. Whatever else is called fails with EPERM; a process that calls by
another architecture's numbers is killed.
"""

import platform
import struct
import sys

RESULT_FD = 1  # the pipe to the parent

# memory, locks, clocks, random bytes, return from a signal, the end; numbers of <asm/unistd.h>
_X86_64 = (3, 9, 10, 11, 12, 14, 15, 24, 25, 28, 39, 60, 96, 131, 186, 202, 219, 228, 229, 231, 318)
_AARCH64 = (57, 222, 226, 215, 214, 135, 139, 124, 216, 233, 172, 93, 169, 132, 178, 98, 128, 113, 114, 94, 278)
_MACHINES = {  # machine: (audit architecture, number of `write`, allowed numbers)
    "x86_64": (0xC000003E, 1, _X86_64),
    "aarch64": (0xC00000B7, 64, _AARCH64),
}

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF: 32 bits at an offset; compare with a constant; the verdict
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = (
    0,
    4,
    16,
)  # offsets in struct seccomp_data (low half on little-endian machines)
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000


def missing() -> str:
    """Why there is no such program for this machine; the empty string where there is one."""
    if sys.platform != "linux":
        return f"the sandbox needs Linux, this is {sys.platform}"
    if platform.machine() not in _MACHINES:
        return f"the sandbox knows the system calls of {' and '.join(_MACHINES)}, not of {platform.machine()}"
    return ""


def seccomp_program() -> bytes:
    """The array of `struct sock_filter` for this machine; see the kernel's seccomp_filter.rst."""
    architecture, write, allowed = _MACHINES[platform.machine()]
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        *(step for number in allowed for step in ((_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW))),
        (_JUMP_IF_EQUAL, 0, 3, write),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_IF_EQUAL, 0, 1, RESULT_FD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
