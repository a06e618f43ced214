"""What a matrix is run to decide, written down before it is run: whom a method that selects must beat, and for what.

A method that learns to select has three parts, each with a rival that lacks it alone. It is vindicated where it beats
all of them; where the static rival beats the single perspectives and it does not beat that one, the signal is, alone.
"""

from offbook.harness.settings.strict import Name, Names, Strict
from offbook.harness.settings.students import Group


class HypothesisSpec(Strict):
    """One method's hypothesis, by the names of the matrix's students.

    Attributes:
        ours: the method.
        static: chooses each question's path by the same signal, once: beating it shows that learning to score pays.
        random: draws a path a visit: beating it shows that selection pays.
        singles: train on one perspective, the best by some criterion: beating them all shows that several forms pay.
        group: of suites, whose accuracy is compared.
    """

    ours: Name
    static: Name
    random: Name
    singles: Names
    group: Group = "id"

    def students(self) -> tuple[str, ...]:
        """Everybody named."""
        return (self.ours, self.static, self.random, *self.singles)
