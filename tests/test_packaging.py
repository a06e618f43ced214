"""The package as its users get it: what is in the wheel, what the metadata promise, what a first import loads."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import offbook

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("baselines", "engine", "harness", "kernels", "methods", "tasks")
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOMES = re.compile(r"(?:^|[^\w.])(?:/home/|/Users/|/root/|[A-Z]:\\Users\\)\w")


def test_every_room_is_a_relative_link():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(ROOMS)
    for room in ROOMS:
        link = ROOT / "src" / "offbook" / room
        assert link.is_symlink(), f"{link} is no link; clone with symbolic links (see CONTRIBUTING.md)"
        assert link.readlink() == Path("../..") / room


def test_the_wheel_holds_what_the_tree_holds(tmp_path):
    pytest.importorskip("setuptools", reason="setuptools builds the wheel and is not installed")
    tree = tmp_path / "tree"  # a copy: a build leaves folders behind, and the next one would pick them up
    copy_sources(tree)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "."]
    without = os.environ | {"CC": str(tmp_path / "no-compiler")}
    answer = subprocess.run(command, cwd=tree, env=without, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr  # the C code is an extra

    expected = {f"offbook/{path.name}" for path in (tree / "src" / "offbook").iterdir() if path.is_file()}
    for room in ROOMS:
        expected |= {f"offbook/{path.relative_to(tree)}" for path in (tree / room).rglob("*") if path.is_file()}
    (wheel,) = tree.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert expected - found == set(), "kinds of file that [tool.setuptools.package-data] does not name"
    assert found - expected == set()


def test_every_c_file_is_named_in_the_metadata():
    (extension,) = METADATA["tool"]["setuptools"]["ext-modules"]
    assert extension["optional"]
    for kind, ending in (("sources", "c"), ("depends", "h")):
        files = {str(path.relative_to(ROOT)) for room in ROOMS for path in (ROOT / room).rglob(f"native/*.{ending}")}
        assert sorted(extension[kind]) == sorted(files)


@pytest.mark.slow
def test_the_c_code_builds_without_a_warning_and_is_found(tmp_path):
    if os.name != "posix" or shutil.which(shlex.split(sysconfig.get_config_var("CC") or "cc")[0]) is None:
        pytest.skip("no C compiler here")
    tree = tmp_path / "tree"
    copy_sources(tree)
    command = [sys.executable, "-c", "import setuptools; setuptools.setup()", "build_ext", "--inplace"]
    answer = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "warning:" not in answer.stderr
    code = "from offbook.kernels.native_library import native_available as a; print(*a())"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(tree / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith("True")


def test_the_version_is_one_literal_everywhere():
    written = re.search(r'^__version__ = "(\d+\.\d+\.\d+)"$', (ROOT / "src/offbook/__init__.py").read_text(), re.M)
    assert written is not None
    assert written[1] == offbook.__version__
    assert f"\nversion: {offbook.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_importing_offbook_imports_nothing_heavy():
    code = "import sys, offbook; sys.exit(' '.join({'torch', 'numpy', 'transformers'} & set(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert answer.stderr.strip() == ""


def test_the_listing_loads_no_model_library():
    code = (
        "import contextlib, sys; from offbook.harness.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['ls'])\n"
        "sys.exit(' '.join({'torch', 'numpy', 'transformers', 'lm_eval'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert answer.stderr.strip() == ""
    assert "smollm2-135m-instruct" in answer.stdout


def test_every_dependency_is_pinned_within_its_range():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    groups = METADATA["dependency-groups"].values()
    wanted = [*METADATA["project"]["dependencies"], *itertools.chain.from_iterable(groups)]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


def test_no_file_knows_where_it_was_written():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("the list of the repository's files needs a git checkout")
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    here = re.compile(rf"(?<![\w./)}}\]]){re.escape(str(ROOT))}(?![\w.-])")
    # These two write homes down that nobody has.
    for name in set(files.split("\0")) - {"", "tests/test_packaging.py", "tests/harness/roster/test_redaction.py"}:
        path = ROOT / name
        if path.is_symlink() or not path.is_file():
            continue
        text = path.read_bytes().decode(errors="ignore")
        found = HOMES.search(text) or here.search(text)
        assert found is None, f"{name} names a folder of one machine: {found[0]!r}"


def copy_sources(tree):
    """What a build reads, and nothing that an earlier build left behind."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so", ".*")
    for folder in ("src", *ROOMS):
        shutil.copytree(ROOT / folder, tree / folder, symlinks=True, ignore=unwanted)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tree / file)


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT / "src")}
