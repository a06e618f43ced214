"""The status of a session of gates tells what happened."""

import pytest

from tests.gates.outcome import ERROR, FAILED, FINE, NOTHING_MEASURED, Outcome


@pytest.mark.parametrize(
    ("outcome", "pytests", "status"),
    [
        (Outcome(measured=["a"]), 0, FINE),
        (Outcome(measured=["a"], unmeasured=["new"]), 0, FINE),
        (Outcome(unmeasured=["a", "b"]), 0, NOTHING_MEASURED),
        (Outcome(measured=["a"], failed=1), 1, FAILED),
        (Outcome(unmeasured=["a"], failed=1), 1, FAILED),
        (Outcome(failed=1, errors=3), 1, FAILED),
        (Outcome(errors=1), 1, ERROR),
        (Outcome(), 1, ERROR),
        (Outcome(unmeasured=["a"]), 4, 4),
        (Outcome(measured=["a"]), 2, 2),
    ],
)
def test_regression_nothing_measured_and_error_are_told_apart(outcome, pytests, status):
    assert outcome.status(pytests) == status


def test_no_status_of_pytest_is_that_of_nothing_measured():
    assert NOTHING_MEASURED not in [int(code) for code in pytest.ExitCode]
