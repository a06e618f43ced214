"""Settings of every test: one thread, Ctrl-C as on a terminal, the same examples, and long files first."""

import signal
from pathlib import Path

import hypothesis
import pytest
import torch

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
)

torch.set_num_threads(1)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of what a script runs in the background; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile(
    "offbook",
    deadline=None,  # the first example pays for imports and for building models
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.differing_executors],
)
hypothesis.settings.load_profile("offbook")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long go to the workers first; the order of all others stays."""
    places = {HERE / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))
