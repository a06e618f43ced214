"""What the accuracy of an exam's suites is pooled into, by what a student's answers to them show.

    id           problems like those it learned from; of the embedded ones those of one step
    two_steps    the same of two steps, which small students hardly solve
    forgetting   short questions of other kinds that its base model answers, and nobody replays
    rehearsed    the same of kinds whose training questions may be replayed
    form         questions that a small model answers by guessing, if it still names an answer at all
    ood          published questions of other kinds

Exams of before there were six have the first and the last.
"""

from typing import Literal

Group = Literal["id", "two_steps", "forgetting", "rehearsed", "form", "ood"]
IN_DISTRIBUTION: frozenset[Group] = frozenset({"id", "two_steps"})
