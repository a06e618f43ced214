"""Which scores are accuracy, a share of right answers, and may be pooled over suites.

What else a suite may give (that there was an answer at all, words shared with a reference) is shown by its own name.
"""

METRICS = ("acc", "exact_match")  # lm-eval's names of one thing; a filter's name may stand behind, after a comma


def is_accuracy(metric: str) -> bool:
    """Whether a metric says of each answer that it is right or wrong."""
    return metric.partition(",")[0] in METRICS
