"""Published settings have a name: profile `published`, each of whose decoders can be asked for as it stands."""

import pytest

from offbook.baselines.decoding.eagle import PUBLISHED
from offbook.engine.drafters.config import TrainingConfig
from offbook.harness.roster.decoders import contender
from offbook.harness.settings.profiles import load_profile
from tests.harness.settings.asked_for import check_decoder

PROFILE = load_profile("published")[1]


@pytest.mark.parametrize("name", PROFILE.decoders)
def test_every_decoder_of_it_is_one_with_these_settings(name):
    check_decoder(PROFILE, name)


def test_trees_and_trainings_are_the_papers():
    of_all = PROFILE.drafters.config()
    TrainingConfig(**of_all)
    assert (of_all["learning_rate"], of_all["epochs"]) == (3e-5, 20)
    assert (of_all["clip_value"], of_all["noise"], of_all["noise_from"], of_all["max_length"]) == (0.5, 0.2, 1, 2048)
    own = {name: spec.training for name, spec in PROFILE.decoders.items() if spec.training.variant}
    assert {name: training.variant for name, training in own.items()} == {
        "medusa": {"heads": 5, "own_heads": True},
        "eagle2_hass": {"passes": 3},
        "eagle3": {"ttt_steps": 7},
    }
    assert {name: training.config() for name, training in own.items()} == {
        "medusa": {"epochs": 2, "learning_rate": 1e-3},
        "eagle2_hass": {"epochs": 40},
        "eagle3": {"epochs": 40, "learning_rate": 5e-5},
    }
    trees = {name: dict(PROFILE.decoders[name].options) for name in ("eagle2", "eagle2_hass", "eagle3")}
    assert [tree["depth"] for tree in trees.values()] == [5, 5, 7]
    assert all((tree["total_tokens"], tree["top_k"]) == (60, 10) for tree in trees.values())
    assert contender("eagle").options().total_tokens == 1 + len(PUBLISHED.paths)
