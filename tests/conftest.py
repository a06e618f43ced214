"""Settings of every test: one thread, Ctrl-C as on a terminal, the same examples, and long files first.

Kernels run as their plain references, unless a test asks for others (tests/kernels/conftest.py). `pytest -m gpu` needs
torch, triton, transformers, safetensors and pytest alone: it reads the files that hold such tests and no others, and
goes on without the plugins that the rest needs.
"""

import functools
import importlib.util
import os
import re
import signal
from pathlib import Path

import pytest
import torch

try:
    import hypothesis
except ModuleNotFoundError:  # as where kernels are tried on a GPU
    hypothesis = None

HERE = Path(__file__).parent
# Begun first, so that no worker sits over one of them while the others have nothing left to do.
LONG = (
    "chaos/test_chaos.py",
    "harness/matrix/test_student_half.py",
    "engine/decoding/test_verify_sampling.py",
    "harness/trials/test_heat.py",
    "harness/cli/test_exits.py",
    "harness/latent/test_latent.py",
    "harness/settings/test_full_profile.py",
    "baselines/test_edit.py",
    "baselines/test_mode_cotd.py",
    "methods/test_mind_training.py",
    "fuzz/test_fuzz.py",
    "harness/certificates/test_decoder_certificate.py",
    "harness/certificates/test_certificate.py",
    "harness/cli/test_cli.py",
    "harness/matrix/test_reproduce.py",
    "harness/matrix/test_canary.py",
    "kernels/test_mutants.py",
)
ASKS_FOR_A_GPU = re.compile(r"\bkernel_device\b|\bmark\.gpu\b")
NEEDS_MORE = re.compile(
    r"^from offbook\.(?!kernels|engine\.(decoding|finite)|baselines\.decoding\.autoregressive)", re.MULTILINE
)

torch.set_num_threads(1)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of what a script runs in the background; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["OFFBOOK_KERNELS"] = "reference"  # for the processes that tests start, too: in them nothing is interpreted
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before triton is first imported, which decides then
if hypothesis is not None:
    hypothesis.settings.register_profile(
        "offbook",
        deadline=None,  # the first example pays for imports and for building models
        derandomize=True,
        database=None,
        print_blob=True,
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.differing_executors],
    )
    hypothesis.settings.load_profile("offbook")


def pytest_addoption(parser: pytest.Parser) -> None:
    """A time for all tests; and a plugin's setting from pyproject.toml, for pytest refuses one that nobody knows."""
    parser.addoption("--minutes", type=float, help="after which no test begins; those that passed are not run again")
    if importlib.util.find_spec("pytest_timeout") is None:
        parser.addini("timeout", "as pytest-timeout has it, which is not installed")


def pytest_configure(config: pytest.Config) -> None:
    """With a time for all tests, the plugin that keeps it."""
    if (minutes := config.getoption("minutes", None)) is not None:
        from tests.time_limit import time_limit

        config.pluginmanager.register(time_limit(config, minutes), "offbook time limit")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Under `-m gpu`, files and folders with no test for a GPU are not even read: what they import may be missing."""
    if not re.fullmatch(r"gpu( and (not )?\w+)*", config.getoption("markexpr").strip()):
        return None
    found = collection_path.rglob("*") if collection_path.is_dir() else [collection_path]
    texts = [path.read_text(encoding="utf-8") for path in found if path.match("test_*.py")]
    if importlib.util.find_spec("pydantic") is None:  # which all but kernels and decoding need
        texts = [text for text in texts if not NEEDS_MORE.search(text)]
    return None if any(ASKS_FOR_A_GPU.search(text) for text in texts) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long go to the workers first; the order of all others stays."""
    places = {HERE / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@functools.cache
def law_deviation(*what: object) -> float:
    """Of a rule of verification at its settings; of no contender, so that it is enumerated once for all of them."""
    from offbook.harness.certificates import verifiers

    found: float = verifiers.law_deviation(*what)
    return found


@pytest.fixture
def few_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    """`offbook certify` has a tenth of the answers of the small model that it is asked for, fewer than it needs.

    The law of the verifier is enumerated once for all contenders.
    """
    from offbook.harness.certificates import contender_tests  # what it imports may be missing, as above

    monkeypatch.setattr("offbook.harness.certificates.sampling.check_settings", lambda *_: None)
    monkeypatch.setattr(contender_tests, "law_deviation", law_deviation)
    for name in ("decoder_certificate", "loop_certificate"):
        whole = getattr(contender_tests, name)
        monkeypatch.setattr(
            contender_tests, name, lambda what, *, n, whole=whole, **rest: whole(what, n=n // 10, **rest)
        )
