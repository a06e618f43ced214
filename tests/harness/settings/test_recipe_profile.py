"""The profile `recipe`: every learning rate with every share of replay, alike in all else, judged on dev alone."""

import itertools

from offbook.engine.progress import Silent
from offbook.engine.students.config import StudentConfig
from offbook.harness.artifacts.material import load_material
from offbook.harness.settings.profiles import load_profile
from tests.matrices import students_of
from tests.tiny import save_tiny

RECIPE = load_profile("recipe")[1]
RATES = [(1e-5, 0), (3e-5, 0), (1e-4, 0), (1e-4, 16), (3e-4, 16), (1e-3, 16)]
VARIED = ("learning_rate", "lora_rank", "replay")


def configs() -> list[StudentConfig]:
    given = [
        RECIPE.training.model_dump(exclude_none=True) | s.training.model_dump(exclude_none=True)
        for s in RECIPE.students.values()
    ]
    return [StudentConfig(**one) for one in given]


def test_the_grid_is_whole_and_nothing_else_varies():
    found = [((c.learning_rate, c.lora_rank), c.replay) for c in configs()]
    assert sorted(found) == sorted(itertools.product(RATES, (0.0, 0.05, 0.1, 0.25)))
    rest = {tuple((k, str(v)) for k, v in vars(c).items() if k not in VARIED) for c in configs()}
    assert len(rest) == 1
    assert len({(s.method, str(s.options), s.seeds) for s in RECIPE.students.values()}) == 1


def test_names_say_what_varies():
    for (name, _), config in zip(RECIPE.students.items(), configs(), strict=True):
        assert name.startswith("LoRA " if config.lora_rank else "full ")
        assert float(name.split()[1].rstrip(",")) == config.learning_rate
        assert name.endswith(f", replay {config.replay:g}") == bool(config.replay)


def test_steps_are_of_sixteen_questions_and_their_weights_are_averaged():
    assert all(c.questions_per_step >= 16 and c.tokens_per_step == 0 and c.averaging > 0 for c in configs())


def test_it_asks_more_than_two_hundred_development_questions_and_others_of_other_kinds():
    material = load_material(RECIPE.corpus, Silent())
    assert len(material.dev) >= 200
    assert len(material.retention) >= 100
    assert not {q.prompt for q in material.dev} & {q.prompt for q in material.retention}


def test_every_student_of_it_is_another_one(tmp_path):
    tiny = str(save_tiny(tmp_path / "tiny"))
    changed = RECIPE.model_copy(update={"models": {tiny: RECIPE.models["smollm2-135m-instruct"]}})
    students = students_of(changed)
    assert len({(s.name, s.config.learning_rate, s.config.lora_rank, s.config.replay) for s in students}) == 24
    assert all(s.max_new_tokens == 128 for s in students)
