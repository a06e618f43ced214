"""The families of the forgetting suite, a module each: first those that replay may use, then those it is read on."""

from offbook.tasks.forgetting.families import (
    capitals,
    categories,
    colours,
    copying,
    feelings,
    lookup,
    months,
    opposites,
    past_tense,
    workers,
)
from offbook.tasks.forgetting.question import Family

FAMILIES: dict[str, Family] = {
    module.__name__.rpartition(".")[2]: module.FAMILY
    for module in (
        *(categories, colours, lookup, past_tense, workers),
        *(capitals, copying, feelings, months, opposites),
    )
}
