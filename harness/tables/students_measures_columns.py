"""The columns of what an exam measured beside its answers; see `students_measures`."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from offbook.harness.tables.columns import Column, Place
from offbook.harness.tables.rows import Row

PAGES: tuple[Place, ...] = ("csv", "markdown")


def _was_known(name: str) -> Callable[[Row], bool]:
    """Exams of old versions measured nothing, which no rerun can be held against."""
    return lambda row: not math.isnan(float(row[name]))


def any_known(name: str) -> Callable[[pd.DataFrame], bool]:
    """Shown only where a row has it."""
    return lambda rows: bool(rows[name].notna().any())


def _measured(name: str, heading: str, definition: str = "", **more: Any) -> Column:
    """A number with its interval, hidden where no row has it."""
    settings: dict[str, Any] = {
        "unit": "share",
        "digits": 1,
        "scale": 100,
        "shown_in": PAGES,
        "shown_for": any_known(name),
        "rerun": "interval",
        "rerun_for": _was_known(name),
    }
    return Column(name=name, heading=heading, kind="number", interval=True, definition=definition, **(settings | more))


MEASURED = (
    Column(
        name="n_choice_items",
        heading="Choice items",
        unit="items",
        kind="whole",
        shown_in=("csv", "markdown"),
        definition="questions that name the answers to choose from; form and likelihood are over them.",
    ),
    _measured(
        "form",
        "Form",
        """share of answers that name just one of the choices. Accuracy is form times what is right of it: who loses the
            form loses accuracy, whatever it knows.""",
    ),
    _measured("form_change", "Form change", sign="+"),
    _measured(
        "above_guessing",
        "Right given form, above guessing",
        """of the answers that name one choice, the share that is right, minus what guessing would get, in points.""",
        sign="+",
    ),
    _measured(
        "likelihood_acc_norm",
        "By likelihood",
        """share of questions of which the right choice is the likeliest a character behind the prompt and "The answer
            is" (lm-eval's `acc_norm`; `acc`, by the whole choice, stands beside it). Nothing is generated, so that it
            does not hang on form. Lettered questions are asked without their list of options, and the texts of the
            options are scored.""",
    ),
    _measured("likelihood_acc_norm_change", "By likelihood, change", sign="+"),
    _measured("likelihood_acc", "By likelihood, acc"),
    _measured("likelihood_acc_change", "By likelihood, acc, change", sign="+"),
    Column(
        name="likelihood_guessing",
        heading="Guessing",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        shown_in=PAGES,
        shown_for=any_known("likelihood_guessing"),
        definition="what likelihoods without any knowledge would get right: one of as many as a question has.",
    ),
    _measured(
        "choice_mass",
        "Choice mass",
        """probability that one of the choices follows "The answer is", in percent.""",
    ),
    _measured(
        "gold_nll",
        "Answer NLL",
        """-ln P(right answer) behind the prompt, the student's own rationale and "The answer is", in nats, of
            questions in distribution that name no choices; less is better, and it moves where accuracy does not.""",
        unit="nats",
        digits=2,
        scale=1,
    ),
    _measured("gold_nll_change", "Answer NLL change", unit="nats", digits=2, scale=1, sign="+"),
    _measured(
        "kl_generic",
        "KL generic",
        """KL(untouched ‖ student) of the next-token laws, in nats a token, on short texts of many kinds.""",
        unit="nats",
        digits=3,
        scale=1,
    ),
    _measured(
        "kl_task",
        "KL task",
        """the same on the untouched model's own answers to development questions. Both over the 256 likeliest tokens
            and the rest as one, which is at most the whole. Means over all tokens; intervals over texts and seeds.""",
        unit="nats",
        digits=3,
        scale=1,
    ),
)
