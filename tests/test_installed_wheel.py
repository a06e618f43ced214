"""The wheel in an environment of its own, and README's ten lines typed there: what somebody gets who clones nothing.

Its libraries are those of the environment that runs the tests, so that no index is needed; `nox -s wheel` has them
installed from the index, at the pins, into a really empty one (OFFBOOK_FROM_THE_INDEX). The embedded models are tiny
stand-ins of the same names.
"""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks, program
from tests.test_documents import stand_in  # noqa: F401 (a fixture)
from tests.test_packaging import ROOMS, copy_sources

FROM_THE_INDEX = "OFFBOOK_FROM_THE_INDEX" in os.environ
COMPILED = (".so", ".pyd", ".o", ".obj", ".a", ".dll", ".dylib")
README = (ROOT / "README.md").read_text(encoding="utf-8")
(TEN_LINES,) = (block for block in blocks(README) if any("evaluate" in words for words in block))
pytestmark = pytest.mark.skipif(os.name != "posix", reason="environments have other folders there")
SDIST = "from setuptools.build_meta import build_sdist; build_sdist('dist')"
SATISFIED = """
import importlib.metadata as metadata, sys
from packaging.requirements import Requirement
for requirement in map(Requirement, metadata.requires("offbook")):
    if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
        assert requirement.specifier.contains(metadata.version(requirement.name), prereleases=True), requirement
import offbook
assert offbook.__file__.startswith(sys.prefix), offbook.__file__
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the sources, with what a build left behind among them."""
    tree = tmp_path_factory.mktemp("wheel") / "tree"
    copy_sources(tree)
    (tree / "kernels" / "_native.so").write_bytes(b"of another machine")
    return tree


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    words = [str(word) for word in command]
    without = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(words, cwd=cwd, env=without | environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tree) -> Path:
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", *offline, ".", cwd=tree)
    (found,) = tree.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """An environment with the wheel and what it asks for, and nothing of the checkout."""
    work = tmp_path_factory.mktemp("work")
    folder = work / ".venv"
    venv.create(folder, with_pip=FROM_THE_INDEX, symlinks=os.name != "nt")
    python = folder / "bin" / "python"
    if FROM_THE_INDEX:
        pins = ("--constraint", ROOT / "constraints.txt")
        run(python, "-m", "pip", "install", "--quiet", *pins, "torch", cwd=work)  # of the build that its user chose
        run(python, "-m", "pip", "install", "--quiet", *pins, wheel, cwd=work)
    else:
        pip = (sys.executable, "-m", "pip", "--python", python)
        run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=work)
        paths = dict.fromkeys((sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]))
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "borrowed.pth").write_text("".join(f"{path}\n" for path in paths))
    return folder


def test_the_sdist_holds_the_sources_and_nothing_compiled(tree):
    run(sys.executable, "-c", SDIST, cwd=tree)
    (sdist,) = (tree / "dist").glob("offbook-*.tar.gz")
    with tarfile.open(sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    assert not {name for name in found if name.endswith(COMPILED)}
    for room in ROOMS:
        for path in (tree / room).rglob("*"):
            if path.is_file() and not path.name.endswith(COMPILED):
                inside = path.relative_to(tree).as_posix()
                assert {inside, f"src/offbook/{inside}"} & found, inside


@pytest.mark.slow
def test_the_wheel_holds_no_library_of_another_machine(wheel):
    with zipfile.ZipFile(wheel) as archive:
        compiled = [name for name in archive.namelist() if name.endswith(COMPILED)]
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert all(name == f"offbook/kernels/_native{suffix}" for name in compiled), compiled


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_wheel_installs_into_an_empty_environment_with_all_that_it_asks_for(environment, tmp_path):
    run(environment / "bin" / "python", "-c", SATISFIED, cwd=tmp_path)
    said = run(environment / "bin" / "offbook", "--version", cwd=tmp_path)
    assert said.startswith("offbook ")
    assert "prompt_lookup" in run(environment / "bin" / "offbook", "ls", cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_readmes_ten_lines_run_from_the_installed_wheel(environment, stand_in):  # noqa: F811
    lines = [words for words in TEN_LINES if program(words) == "offbook"]
    assert len(lines) >= 3
    for words in lines:
        assert words[0] == ".venv/bin/offbook"
        run(environment / "bin" / "offbook", *words[1:], cwd=stand_in)
    assert (stand_in / "runs" / "first" / "LEADERBOARD.md").is_file()
