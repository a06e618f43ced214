"""Operations in the form of the kernel hub: they need torch alone, and are what they were."""

import ast
import base64
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from offbook.harness.cli.main import main
from offbook.harness.interchange.kernel_hub import export_kernel
from offbook.harness.interchange.kernel_package import operations, package

WITHOUT = ("offbook", "kernels", "transformers", "pydantic", "lm_eval", "safetensors")
BLOCKED = f"import sys; sys.modules.update(dict.fromkeys({WITHOUT}))\n"


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> dict[str, Path]:
    """Every operation's folder."""
    root = tmp_path_factory.mktemp("exported")
    for operation in operations():
        assert status("export", "kernel", operation, "--output", str(root / operation)) == 0
    return {operation: root / operation for operation in operations()}


def run_alone(code: str, *arguments: str, **environ: str) -> str:
    """What Python prints where there is no offbook, nor much else."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "TRITON_INTERPRET")}
    kept |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OFFBOOK_KERNELS": "auto", **environ}
    command = [sys.executable, "-B", "-c", BLOCKED + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=kept, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def digest(path: Path) -> str:
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def test_there_are_operations_with_kernels():
    assert "topk_logprobs" in operations()
    assert "packed_linear" not in operations(), "whose kernels are C"


def test_what_is_exported_computes_what_it_replaces_with_torch_alone(exported):
    options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib")
    code = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    said = run_alone(code, *options, *(str(folder / "tests") for folder in exported.values()))
    assert f"{len(exported)} passed" in said


def test_several_builds_live_in_one_process_each_with_operators_of_its_own(exported):
    code = (
        "import importlib.util, json, pathlib, torch\n"
        "for place in map(pathlib.Path, sys.argv[1:]):\n"
        "    name = json.loads((place / 'metadata.json').read_text())['id']\n"
        "    spec = importlib.util.spec_from_file_location(name, place / '__init__.py')\n"
        "    module = sys.modules[name] = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(module)\n"
        "    print(name, [n for n in module.__all__ if not callable(getattr(module, n))])\n"
        "print(*{str(s.name).partition('::')[0] for s in torch._C._jit_get_all_schemas() if 'offbook' in s.name})\n"
    )
    places = [folder / "build" / f"torch-{backend}" for folder in exported.values() for backend in ("cpu", "cuda")]
    *told, operators = run_alone(code, *map(str, places)).splitlines()
    names = {line.split()[0] for line in told}
    assert len(names) == len(places)
    assert all(name.isidentifier() for name in names)
    assert {name for name in operators.split() if "topk" in name} == {name for name in names if "topk" in name}
    assert set(operators.split()) <= names


def test_its_kernels_come_along_and_compute_what_its_reference_does(exported):
    code = (
        "import importlib.util, torch\n"
        "spec = importlib.util.spec_from_file_location('k', sys.argv[1] + '/__init__.py')\n"
        "k = sys.modules['k'] = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(k)\n"
        "x = torch.linspace(-4, 4, 600).sin().view(2, 300)\n"
        "(a, i), (b, j) = (k.topk_of_logits(x, 3, implementation=n) for n in ('triton', 'reference'))\n"
        "assert i.equal(j)\n"
        "torch.testing.assert_close(a, b)\n"
        "print('k.triton' in sys.modules, 'k.tiles' in sys.modules)\n"
    )
    place = exported["topk_logprobs"] / "build" / "torch-cuda"
    assert run_alone(code, str(place), TRITON_INTERPRET="1").split() == ["True", "True"]


def test_no_file_of_a_package_imports_anything_but_itself_torch_triton_and_python(exported):
    for operation, folder in exported.items():
        for path in (folder / "torch-ext").rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", 0):
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                    for name in names:
                        top = name.partition(".")[0]
                        assert top in sys.stdlib_module_names or top in ("torch", "triton", "numpy"), (operation, name)
            assert '"offbook::' not in path.read_text()


def test_metadata_has_the_digest_of_every_file_and_the_source_says_the_same(exported):
    for operation, folder in exported.items():
        told = tomllib.loads((folder / "build.toml").read_text())
        name = f"offbook-{operation.replace('_', '-')}"
        assert told["general"]["name"] == name
        assert "torch-noarch" in told
        for backend in told["general"]["backends"]:
            place = folder / "build" / f"torch-{backend}"
            metadata = json.loads((place / "metadata.json").read_text())
            assert metadata["name"] == name
            assert metadata["backend"] == {"type": backend}
            assert (metadata["version"], metadata["license"]) == (told["general"]["version"], "Apache-2.0")
            found = {
                path.relative_to(place).as_posix(): base64.b64encode(
                    hashlib.sha256(path.read_bytes()).digest()
                ).decode()
                for path in place.rglob("*")
                if path.is_file() and path.name != "metadata.json"
            }
            assert metadata["digest"] == {"algorithm": "sha256", "files": found}
            source = folder / "torch-ext" / name.replace("-", "_")
            assert {path.relative_to(source).as_posix() for path in source.rglob("*.py")} == set(found) - {"_ops.py"}
        assert (folder / "LICENSE").read_text().strip().startswith("Apache License")
        assert (folder / "README.md").read_text().startswith("---\nlibrary_name: kernels\n")


def test_an_earlier_export_is_replaced_and_anything_else_is_left_alone(tmp_path):
    folder = tmp_path / "mine"
    export_kernel("topk_logprobs", folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "build" / "torch-cpu" / "old.py").write_text("")
    export_kernel("topk_logprobs", folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(
        ValueError, match=r"a new folder or an export of offbook-topk-logprobs, got one with notes\.txt"
    ):
        export_kernel("topk_logprobs", folder)
    (folder / "notes.txt").unlink()
    text = (folder / "build.toml").read_text()
    (folder / "build.toml").write_text(text.replace("offbook-topk-logprobs", "another"))
    with pytest.raises(ValueError, match=r"got one with build\.toml, of another kernel"):
        export_kernel("topk_logprobs", folder)


def test_a_name_that_is_no_operation_is_refused_with_those_that_are(tmp_path, capsys):
    assert status("export", "kernel", "topk", "--output", str(tmp_path / "new")) == 2
    said = capsys.readouterr().err
    assert "expected an operation among " in said
    assert "topk_logprobs" in said
    assert not (tmp_path / "new").exists()


def test_the_folder_has_a_name_of_its_own_where_none_is_given(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert status("export", "kernel", "topk_logprobs") == 0
    assert capsys.readouterr().out == "runs/kernel-topk_logprobs\n"
    assert (tmp_path / "runs" / "kernel-topk_logprobs" / "build.toml").is_file()


def test_a_module_that_needs_more_than_torch_is_refused(tmp_path, monkeypatch):
    from offbook.harness.interchange import kernel_package as module

    room = tmp_path / "kernels"
    shutil.copytree(module.ROOM, room, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    monkeypatch.setattr(module, "ROOM", room)
    package("topk_logprobs")
    reference = room / "topk_logprobs" / "reference.py"
    reference.write_text(reference.read_text().replace("import torch\n", "import pandas\nimport torch\n"))
    with pytest.raises(ValueError, match=r"reference\.py: expected imports of torch, triton, numpy and Python alone"):
        package("topk_logprobs")


@pytest.mark.slow
def test_the_hubs_own_tools_describe_load_and_trust_it(exported, tmp_path):
    try:
        importlib.metadata.version("kernels")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("Hugging Face's package kernels is not installed")
    code = (
        "import pathlib, sys; sys.modules['offbook'] = None\n"
        "import kernels\n"
        "from kernels._rust import Build, Digest, Metadata\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "module = kernels.get_local_kernel(folder)\n"
        "for place in (folder / 'build').iterdir():\n"
        "    told = Metadata.read_from_file(place / 'metadata.json').digest\n"
        "    told.validate(Digest.hash_variant(told.algorithm, place))\n"
        "print(module.__name__)"
    )
    for operation, folder in exported.items():
        told = subprocess.run(
            ["kernels", "info", str(folder)], capture_output=True, text=True, cwd=tmp_path, check=True
        )
        assert f"Name: offbook-{operation.replace('_', '-')}\n" in told.stdout
        assert "Backends: cpu, cuda\n" in told.stdout
        loaded = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert loaded.returncode == 0, loaded.stderr
        assert loaded.stdout.startswith(f"_offbook_{operation}_")
