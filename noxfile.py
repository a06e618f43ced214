# `nox -l` is the table of contents. Every session runs in the one environment under .nox/offbook, made at the pins of
# constraints.txt, so that torch is installed once; it is brought up to date when the pins, the metadata or the C code
# change.

import hashlib
import os
import sys
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint"]
nox.options.default_venv_backend = "none"

METADATA = (Path("pyproject.toml"), Path("constraints.txt"), Path("noxfile.py"))
NATIVE = tuple(sorted(path for room in ("kernels", "engine") for path in Path(room).rglob("native/*.[ch]")))
ENVIRONMENT = Path(".nox/offbook").resolve()
BIN = ENVIRONMENT / ("Scripts" if sys.platform == "win32" else "bin")
PYTHON = str(BIN / "python")
# A worker a core, one thread each, or they wait for one another. No test reaches a model hub.
TEST_ENV = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite but for its long tests, a worker on each core; arguments after -- go to pytest."""
    prepare(session)
    test(session, "not slow")


@nox.session
def slow(session: nox.Session) -> None:
    """The long tests: several processes, whole libraries, every stage with the embedded model; arguments as above."""
    prepare(session)
    test(session, "slow")


@nox.session
def architectures(session: nox.Session) -> None:
    """Every causal-LM class of transformers, tiny: equal to `generate` or refused; writes results/architectures.md."""
    prepare(session)
    call(session, "python", "-m", "tests.engine.architecture_outcomes", "results/architectures.md", env=TEST_ENV)


@nox.session
def lint(session: nox.Session) -> None:
    """Style (ruff), types (mypy --strict) and the direction of imports (import-linter)."""
    prepare(session)
    call(session, "ruff", "check")
    call(session, "ruff", "format", "--check")
    call(session, "mypy")
    call(session, "lint-imports")


@nox.session(name="compile")
def compile_kernels(session: nox.Session) -> None:
    """Every operation's kernel for sm_90, without a GPU, held to results/kernels/sm_90.csv; minutes, then seconds.

    One case or two an operation; arguments after --: `--all`, `--update`, `--capability 80 100`, names of operations.
    """
    prepare(session)
    env = {**TEST_ENV, "TRITON_CACHE_DIR": str(ENVIRONMENT.parent / "triton")}
    call(session, "python", "-m", "offbook.kernels.compile", *session.posargs, env=env)


@nox.session
def gpu(session: nox.Session) -> None:
    """The tests of kernels on a GPU, their times and those of whole rounds (results/kernels/cuda.csv, .md and .svg).

    Eight minutes at most, or `--minutes`; goes on where it was stopped. Arguments after -- go to the module.
    """
    prepare(session)
    call(session, "python", "-m", "offbook.harness.trials.gpu_benchmark", *session.posargs)


@nox.session
def gates(session: nox.Session) -> None:
    """Counts of decoding against their baselines, times against the base revision; three minutes.

    nox ends with the status of `pytest tests/gates --time-gates`: 0 where all holds, 1 where a gate fails (other
    counts, or slower), 77 where the counts hold and there is no base revision to measure against, any other for an
    error. Arguments after -- go to pytest: `--base REVISION`, `--update-gates`, `--benchmark-json FILE`.
    """
    prepare(session)
    try:
        call(session, "pytest", "tests/gates", "--benchmark-only", "--time-gates", *session.posargs, env=TEST_ENV)
    except nox.command.CommandFailed as failed:
        if failed.return_code in (None, 1):
            raise
        sys.exit(failed.return_code)  # nox itself would end with 1


@nox.session
def calibrate(session: nox.Session) -> None:
    """The time gates with one tree on both sides, N times (`-- --runs N`, two minutes each); writes results/gates.md.

    Runs are appended to results/gates_aa.jsonl one by one: stop it whenever you like, and go on later, or elsewhere.
    """
    prepare(session)
    env = {**TEST_ENV, "PYTHONPATH": ".:src"}
    call(session, "python", "-m", "tests.gates.calibrate", *session.posargs, env=env)


@nox.session
def fuzz(session: nox.Session) -> None:
    """3,000 fuzzed command lines and 1,000 fuzzed files, whose summary goes to results/fuzz.md; an hour on one core."""
    prepare(session)
    summary = ("--summary", "results/fuzz.md")
    call(
        session, "python", "-m", "tests.fuzz.campaign", *summary, *session.posargs, env={**TEST_ENV, "PYTHONPATH": "."}
    )


@nox.session
def chaos(session: nox.Session) -> None:
    """Kills, faults of the disk, dead nodes, damaged runs, several executors; writes results/chaos.md; some hours.

    Arguments after -- choose parts, whose lines are renewed: `--part tests.chaos.kills`.
    """
    prepare(session)
    install(session, "ray", "submitit")
    summary = ("--summary", "results/chaos.md")
    campaign = ("-m", "tests.chaos.campaign", *summary, *session.posargs)
    call(session, "python", *campaign, env={**TEST_ENV, "PYTHONPATH": ".:src"})


@nox.session
def certify(session: nox.Session) -> None:
    """Every proof of losslessness in full; writes results/certify.md and results/certificates; some hours.

    Goes on where it was stopped, and can run side by side; the last to end writes what all have found. Arguments after
    --: `--part laws`, `--only suffix`, `--keep` for what another commit has proved, `--drafter eagle2=FOLDER
    jakiro=FOLDER` for contenders with a trained drafter.
    """
    prepare(session)
    found = ("--summary", "results/certify.md", "--lines", "results/certify.jsonl")
    found += ("--certificates", "results/certificates")
    call(
        session,
        *("python", "-m", "tests.certify.campaign", *found, *session.posargs),
        env={**TEST_ENV, "PYTHONPATH": ".:src"},
    )


@nox.session
def deletion(session: nox.Session) -> None:
    """Each contender deleted in a copy of the tree, the rest run; writes results/deletion.md; two or three hours.

    Goes on where it was stopped, and can run side by side. Arguments after --: `--only suffix eagle`, `--keep` for what
    another commit has shown.
    """
    prepare(session)
    summary = ("--summary", "results/deletion.md", "--lines", "results/deletion.jsonl")
    call(
        session,
        *("python", "-m", "tests.deletion.campaign", *summary, *session.posargs),
        env={**TEST_ENV, "PYTHONPATH": ".:src"},
    )


@nox.session
def wheel(session: nox.Session) -> None:
    """The wheel in an empty environment, its libraries from the index at the pins, then README's ten lines; minutes."""
    prepare(session)
    tests = ("-m", "slow", "tests/test_installed_wheel.py", *session.posargs)
    call(session, "pytest", *tests, env={**TEST_ENV, "OFFBOOK_FROM_THE_INDEX": "1"})


@nox.session(venv_backend="virtualenv", reuse_venv=True)
def docs(session: nox.Session) -> None:
    """The pages of docs/ into site/, in an environment of their own; a link that leads nowhere fails.

    `nox -s docs -- serve` shows them while they are written.
    """
    wanted = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "docs")
    session.install("--quiet", "--constraint", "constraints.txt", *wanted)
    session.run("mkdocs", *(session.posargs or ["build"]), "--strict")


@nox.session
def reproduce(session: nox.Session) -> None:
    """Decoders and students, on every core (the profile `laptop` unless arguments after -- say otherwise)."""
    prepare(session)
    call(session, "python", "-m", "offbook.harness.cli", "reproduce", *session.posargs)


def test(session: nox.Session, marked: str) -> None:
    """Run what is marked so; arguments after -- come last, so that another -m or -n wins."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = str(max(2, min(usable, 8)))
    spread = ("-n", workers, "--dist", "loadfile", "--no-loadscope-reorder")  # tests/conftest.py orders the files
    call(session, "pytest", *spread, "-m", marked, *session.posargs, env=TEST_ENV)


def prepare(session: nox.Session) -> None:
    """Bring the shared environment up to date, unless it is."""
    stamp = ENVIRONMENT / "offbook.sha256"
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in (*METADATA, *NATIVE))).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if not Path(PYTHON).exists():
        # virtualenv, not uv: pip also finds the wheels its user has set it to find, such as a CPU build of torch.
        session.run(sys.executable, "-m", "virtualenv", "--quiet", str(ENVIRONMENT))
    groups = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test", "lint")
    install(session, "torch")  # alone and first, so that nothing else decides which build of it comes
    install(session, *groups, "setuptools")
    install(session, "--no-build-isolation", "--editable", ".")
    stamp.write_text(wanted)


def install(session: nox.Session, *what: str) -> None:
    """Install with pip at the pins."""
    session.run(PYTHON, "-m", "pip", "install", "--quiet", "--constraint", "constraints.txt", *what, external=True)


def call(session: nox.Session, program: str, *arguments: str, env: dict[str, str] | None = None) -> None:
    """Run a program of the shared environment."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    session.run(str(BIN / program), *arguments, env={"PATH": path, **(env or {})}, external=True)
