"""The paper's settings have a name: profile `jakiro`, whose every decoder and drafter can be asked for as it stands."""

import pytest

from offbook.engine.drafters.config import TrainingConfig
from offbook.harness.roster.decoders import contender
from offbook.harness.settings.profiles import load_profile
from tests.harness.settings.asked_for import check_decoder

PROFILE = load_profile("jakiro")[1]


@pytest.mark.parametrize("name", PROFILE.decoders)
def test_every_decoder_of_it_is_one_with_these_settings(name):
    check_decoder(PROFILE, name)


def test_trees_and_training_are_the_papers():
    of_all = PROFILE.drafters.config()
    TrainingConfig(**of_all)
    assert (of_all["learning_rate"], of_all["epochs"], of_all["batch_size"]) == (9e-5, 20, 16)
    assert (of_all["clip_value"], of_all["noise"], of_all["noise_from"], of_all["max_length"]) == (0.5, 0.2, 1, 2048)
    assert PROFILE.decoders["eagle2"].training.config() == {"learning_rate": 3e-5}
    assert PROFILE.decoders["jakiro_decoupled"].training.config() == {"epochs": 30}
    for name in ("jakiro", "eagle2"):
        assert PROFILE.decoders[name].options == {"total_tokens": 60, "depth": 5, "top_k": 10}
    assert contender("jakiro_decoupled").options().total_tokens == 27
    assert [spec.temperature for spec in PROFILE.temperatures] == [0.0, 1.0]
