"""Certificates with a device's verifier: a great many rounds at once, and the loop with it."""

import pytest
import torch

from offbook.engine.decoding.device_verify import DeviceVerifier
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.device_rounds import OnDevice, player_of
from offbook.harness.certificates.loop import loop_certificate
from offbook.harness.certificates.toy_target import ToyTarget
from offbook.harness.certificates.verifiers import RULES, OnHost, Tables, play, verifier_certificate
from tests.kernels.conftest import NOT_DETERMINISTIC, kernel_device  # noqa: F401 (a fixture)

pytestmark = pytest.mark.filterwarnings(NOT_DETERMINISTIC)
N = 20_000
SETTINGS = {
    "T=0.5": Sampling(temperature=0.5),
    "T=2, top-k 5": Sampling(temperature=2.0, top_k=5),
    "both": Sampling(temperature=1.5, top_k=3, top_p=0.8),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_rounds_on_a_device_follow_the_target(rule, setting):
    sampling = SETTINGS[setting]
    player = OnDevice(sampling, "cpu")
    found = verifier_certificate(rule, sampling=sampling, seed=1, n=N, player=player)
    assert found.verdict == "lossless"
    assert (found.p_value or 0) > 1e-4
    assert found == verifier_certificate(rule, sampling=sampling, seed=1, n=N, player=OnHost())


@pytest.mark.parametrize("rule", RULES)
def test_a_law_that_is_not_the_targets_is_seen(rule):
    player = OnDevice(Sampling(temperature=1.3), "cpu")
    found = verifier_certificate(rule, sampling=Sampling(temperature=1.0), seed=1, n=N, player=player)
    assert found.verdict == "differs"


@pytest.mark.parametrize("kernel_device", ["forward", pytest.param("cuda", marks=pytest.mark.gpu)], indirect=True)
@pytest.mark.parametrize("rule", RULES)
def test_the_kernels_play_the_same_rounds(kernel_device, rule):  # noqa: F811
    """A few: interpreted kernels take their time."""
    sampling = SETTINGS["both"]
    toy = ToyTarget(sampling)
    tables = Tables.as_decoded(toy, sampling)
    by_kernels, by_rules = (
        play(rule, toy, tables, torch.Generator().manual_seed(3), 6, player)
        for player in (OnDevice(sampling, kernel_device), OnHost())
    )
    assert all((one == other).all() for one, other in zip(by_kernels, by_rules, strict=True))


def test_rounds_are_played_where_the_target_is():
    sampling = SETTINGS["both"]
    assert player_of("cpu", sampling) is None
    assert player_of("cuda:1", sampling) == OnDevice(sampling, "cuda:1")


@pytest.mark.parametrize("rule", RULES)
def test_the_loop_samples_from_the_target_with_the_devices_verifier(rule, monkeypatch):
    """In fewer answers than a certificate needs: they are the plain verifier's, which has one of its own."""
    monkeypatch.setattr("offbook.harness.certificates.sampling.check_settings", lambda *_: None)
    sampling = Sampling(temperature=1.0, top_p=0.9)
    plain, device = (
        loop_certificate(rule, sampling=sampling, seed=2, n=300, verifier=verifier)
        for verifier in (None, DeviceVerifier)
    )
    assert device == plain
    assert device.verdict == "lossless"
