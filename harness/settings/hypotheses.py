"""What a matrix is run to decide, written down before it is run: whom a method that selects must beat, and in what.

A method that learns to select has three parts, each with a rival that lacks it alone. It is vindicated where it beats
all of them; where the static rival beats the single perspectives and it does not beat that one, the signal is, alone.
"""

from typing import Literal

from offbook.harness.settings.strict import Name, Names, Strict
from offbook.tasks.exam_groups import Group

Measure = Literal["accuracy", "form", "likelihood_acc_norm", "choice_mass", "gold_nll"]


class HypothesisSpec(Strict):
    """One method's hypothesis, by the names of the matrix's students.

    Attributes:
        ours: the method.
        static: chooses each question's path by the same signal, once: beating it shows that learning to score pays.
        random: draws a path a visit: beating it shows that selection pays.
        singles: train on one perspective, the best by some criterion: beating them all shows that several forms pay.
    """

    ours: Name
    static: Name
    random: Name
    singles: Names

    def students(self) -> tuple[str, ...]:
        """Everybody named."""
        return (self.ours, self.static, self.random, *self.singles)


class OutcomeSpec(Strict):
    """What the students of all hypotheses are compared in.

    Attributes:
        group: of suites, over whose documents.
        measure: of an answer: whether it is right; whether it names just one choice (`form`); whether the right choice
            is the likeliest a character; the mass of all choices; -ln P of the right answer behind the answer's own
            rationale, of which less is better.
        tested: whether its comparisons are in the one family that is tested and corrected, and give verdicts; of others
            the interval is told, and no more.
    """

    group: Group = "id"
    measure: Measure = "accuracy"
    tested: bool = True
