"""An operation of `kernels/` as a repository of Hugging Face's kernel hub, in the form that nothing is compiled for.

The hub calls it noarch, and called it universal: Python and Triton, for every version of torch.

    build.toml, flake.nix, torch-ext/NAME    the source, for the hub's kernel-builder
    build/torch-BACKEND                      what that makes of it, ready to be loaded: the same files, metadata with
                                             their digests, and `_ops`, the namespace of this very content
    benchmarks, tests                        what it is timed on and against; the smallest of that as a test
    README.md, LICENSE

The package `kernels` loads it from the folder (`get_local_kernel`), and describes it (`kernels info FOLDER`).
"""

import base64
import hashlib
import importlib.metadata
import json
from pathlib import Path

from offbook.engine.files import atomic_files, remove
from offbook.engine.quoting import quoted
from offbook.harness.interchange.kernel_package import ROOM, benchmarks, operations, package, public

BACKENDS = ("cpu", "cuda")  # the plain reference runs on the first, Triton on the second
VERSION = 0  # which the hub keeps for what may still change
LICENCE = "Apache-2.0"
PARTS = ("build.toml", "flake.nix", "torch-ext", "build", "benchmarks", "tests", "README.md", "LICENSE")
FLAKE = """{{
  description = "{name}";
  inputs.kernel-builder.url = "github:huggingface/kernels";
  outputs =
    {{ self, kernel-builder }}:
    kernel-builder.lib.genKernelFlakeOutputs {{
      inherit self;
      path = ./.;
    }};
}}
"""
BUILD = """[general]
name = "{name}"
version = {version}
edition = 5
license = "{licence}"
backends = [{backends}]

[torch-noarch]
"""
OPS = '''"""Where the operators of this build are registered: a name that no other build has."""

import torch

NAMESPACE = "{namespace}"
ops = getattr(torch.ops, NAMESPACE)


def add_op_namespace_prefix(name: str) -> str:
    """The whole name of an operator."""
    return f"{{NAMESPACE}}::{{name}}"
'''
CARD = """---
library_name: kernels
license: {tag}
tags:
  - kernel
---

# {name}

{about}

## Use

```python
from pathlib import Path

from kernels import get_local_kernel

{python_name} = get_local_kernel(Path("."))  # or get_kernel, of where you put it
```

It offers {names}. A CUDA tensor is computed by Triton, any other by the plain reference in `reference.py`, which is the
specification; the argument `implementation` names one. It needs Python 3.11, torch 2.11 and, on a GPU, Triton 3.6, or
newer ones of each.

`python -m pytest tests` compares it with what it replaces. Written by `offbook export kernel {operation}`
of offbook {version}.
"""
TEST = '''"""The kernel beside this folder against what it replaces, on the smallest case that it is timed on."""

import importlib.util
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
ON_GPU = torch.cuda.is_available()


def load(folder, name):
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tensors(what):
    if isinstance(what, torch.Tensor):
        return [what]
    return [tensor for part in what for tensor in tensors(part)] if isinstance(what, (list, tuple)) else []


def test_it_computes_what_it_replaces():
    kernel = load(ROOT / "build" / ("torch-cuda" if ON_GPU else "torch-cpu"), "{python_name}")
    assert all(hasattr(kernel, name) for name in kernel.__all__)
    load(ROOT / "benchmarks", "{python_name}_benchmarks")
    timed = importlib.import_module("{python_name}_benchmarks.timed")
    case = min(timed.cases("cuda" if ON_GPU else "cpu"), key=lambda case: case.bytes + case.flops)
    found = {{}}
    for name in ("offbook", "replaced"):
        inputs = case.inputs(0)
        found[name] = (case.providers[name](*inputs), inputs)
    if case.agree is not None:
        case.agree(*found["offbook"])
        return
    pairs = list(zip(*map(tensors, (found["offbook"], found["replaced"])), strict=True))
    assert pairs
    for one, other in pairs:
        if one.is_floating_point():
            close = 1e-4 if one.dtype == other.dtype == torch.float32 else 2e-2
            torch.testing.assert_close(one, other, rtol=close, atol=close, check_dtype=False, equal_nan=True)
'''


def export_kernel(operation: str, folder: Path) -> None:
    """Writes the repository of one operation; an earlier one of it is replaced.

    Raises:
        ValueError: no operation with kernels, or a folder with something else in it.
    """
    known = operations()
    if operation not in known:
        msg = f"expected an operation among {', '.join(known)}, got {quoted(operation)}; choose one of these"
        raise ValueError(msg)
    name = f"offbook-{operation.replace('_', '-')}"
    _check_room(folder, name)
    files = _files(operation, name)
    with atomic_files(folder) as temporary:
        for place, text in files.items():
            path = temporary / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    for part in PARTS:  # of an earlier export
        for path in (folder / part).rglob("*"):
            if path.is_file() and path.relative_to(folder).as_posix() not in files:
                remove(path)


def _check_room(folder: Path, name: str) -> None:
    found = sorted(path.name for path in folder.iterdir() if path.name[0] != ".") if folder.is_dir() else []
    strange = [one for one in found if one not in PARTS]
    told = folder / "build.toml"
    if told.is_file() and f'name = "{name}"' not in told.read_text(encoding="utf-8", errors="replace"):
        strange = ["build.toml, of another kernel"]
    if strange:
        msg = f"--output {folder}: expected a new folder or an export of {name}, got one with {strange[0]}; "
        raise ValueError(msg + "choose another")


def _files(operation: str, name: str) -> dict[str, str]:
    """All files of the repository, by their place."""
    from offbook import __version__

    python_name = name.replace("-", "_")
    sources = package(operation)
    content = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()[:7]
    about = (ROOM / operation / "README.md").read_text(encoding="utf-8").partition("\n")[2].strip()
    names = ", ".join(f"`{one}`" for one in public(operation))
    backends = ", ".join(f'"{backend}"' for backend in BACKENDS)
    words = {"name": name, "python_name": python_name, "operation": operation, "names": names, "about": about}
    words |= {"backends": backends, "version": str(VERSION), "licence": LICENCE, "tag": LICENCE.lower()}
    files = {
        "build.toml": BUILD.format_map(words),
        "flake.nix": FLAKE.format_map(words),
        "README.md": CARD.format_map(words | {"version": __version__}),
        "LICENSE": _licence(),
        f"tests/test_{python_name}.py": TEST.format_map(words),
    }
    files |= {f"torch-ext/{python_name}/{place}": text for place, text in sources.items()}
    files |= {f"benchmarks/{place}": text for place, text in benchmarks(operation, python_name).items()}
    for backend in BACKENDS:
        namespace = f"_{python_name}_{backend}_{content}"
        built = sources | {"_ops.py": OPS.format(namespace=namespace)}
        built["metadata.json"] = _metadata(name, namespace, backend, built)
        files |= {f"build/torch-{backend}/{place}": text for place, text in built.items()}
    return files


def _metadata(name: str, namespace: str, backend: str, files: dict[str, str]) -> str:
    digests = {
        place: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for place, text in sorted(files.items())
    }
    told = {
        "name": name,
        "id": namespace,
        "version": VERSION,
        "license": LICENCE,
        "python-depends": [],
        "backend": {"type": backend},
        "digest": {"algorithm": "sha256", "files": digests},
    }
    return json.dumps(told, indent=2) + "\n"


def _licence() -> str:
    """Of the checkout, or of the installed distribution.

    Raises:
        ValueError: neither has it.
    """
    checkout = ROOM.parent / "LICENSE"
    if checkout.is_file():
        return checkout.read_text(encoding="utf-8")
    try:
        found = importlib.metadata.distribution("offbook").read_text("licenses/LICENSE")
    except importlib.metadata.PackageNotFoundError:
        found = None
    if found is None:
        msg = "expected offbook's LICENSE in its checkout or its metadata, found none; install offbook again"
        raise ValueError(msg)
    return found
