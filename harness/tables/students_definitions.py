"""What STUDENTS.md says above its tables: the columns' definitions, and what they have in common."""

from offbook.harness.tables.columns import bullet, defined, definitions, paragraph, pick
from offbook.harness.tables.student_comparisons_columns import COLUMNS as COMPARISONS
from offbook.harness.tables.students_columns import COLUMNS, COSTS
from offbook.harness.tables.students_measures_columns import MEASURED

DEFINITIONS = "\n".join(
    [
        paragraph(
            """Written by `offbook report` from the committed exams; not edited by hand. A student is a small model
            after training by one method on one corpus; *untouched* is the model before. It is trained once for every
            seed, and all of them answer the same questions, greedily. A section has exams of equal questions only: an
            embedded suite may ask others in a later version, and exams of before are compared with none of after."""
        ),
        "",
        bullet(
            """**ID**: other questions of the kinds that were trained on; of the embedded word problems those of one
            step, and **two steps** apart. **Forgetting**: short questions of kinds that the untouched model answers and
            nobody trains on; **rehearsed** the same of kinds that replay may ask. **Form suites**: embedded questions
            that a small model answers by guessing where it names an answer at all, so that they show form and nothing
            else. **OOD**: published questions of other kinds, and in records of before there were these groups the
            suites of form. All in percent right: every document of the group's suites that are scored right or wrong
            counts alike, and seeds are averaged. Suites with another score (`answered`, `rouge1`) are in no group; they
            show it under its own name."""
        ),
        *definitions(pick(COLUMNS, "finished", "n_items")),
        bullet(
            """**Guessing** among the answers that questions name is what a model gets that understands the form and
            nothing else. Below it a model fails at the form too (it never names an answer, or repeats itself until
            the cap), so that a gain up to it is none in reasoning."""
        ),
        bullet(
            """**Square brackets** hold 95 % intervals, over items and, where a student has several seeds, over
            training seeds too: what another test and another training would give. With one seed they are over items
            alone, and say nothing about another training. Where there are none, the data cannot give one. They are
            not corrected for being many."""
        ),
        *definitions(pick(COLUMNS, "seed_sd", "change")),
        *definitions(MEASURED),
        bullet(" ".join(defined(column) for column in COSTS if column.definition)),
        bullet(
            """**Comparisons** are paired by item, within equal base model, suites, cap, number format, corpus and
            gradient tokens. *p, items*: sign flips over items, each item's score averaged over seeds; the null is
            that these very students are equally good on such items. *p, seeds too*: the null is that their methods
            are, whatever the seed. **These students** and **their methods** are the two verdicts on the student
            against the other: *better* or *worse* where p is at most 0.05 after Holm's correction over all rows of
            the table (in brackets; for methods of the larger of both p), else a *tie*, which is no proof that they
            are equal. While a trained student has one seed only, methods stay *open*."""
        ),
        *definitions(COMPARISONS),
    ]
)
