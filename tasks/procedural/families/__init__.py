"""The families of stories: each a module with templates for training, development and test."""

from offbook.tasks.procedural.families import comparison, reading, recipes, saving, sharing, shopping, travel
from offbook.tasks.procedural.template import Template, parse

FAMILIES: dict[str, dict[str, tuple[Template, ...]]] = {
    module.__name__.rpartition(".")[2]: {
        "train": parse(module.TRAIN),
        "dev": parse(module.DEV),
        "test": parse(module.TEST),
    }
    for module in (shopping, sharing, travel, saving, recipes, comparison, reading)
}
