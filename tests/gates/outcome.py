"""What a session of gates ends with: a status for each of slower (or other counts), error, and nothing measured.

0   every gate holds
1   a gate fails: other counts, slower than the base revision, or not as listed
77  the exact gates hold and no time was measured, for there is nothing to compare with (automake's "skipped")
3   an error: of a gate's own code, of a worker; so is any other status (pytest's 2, 4 and 5)
"""

from dataclasses import dataclass, field

FINE, FAILED, ERROR, NOTHING_MEASURED = 0, 1, 3, 77


@dataclass(kw_only=True)
class Outcome:
    """Of a session with time gates.

    Attributes:
        measured: a line for each time gate that was measured.
        unmeasured: a line for each that had nothing to be compared with.
        failed: tests that an assertion failed, and complaints about the lists.
        errors: tests that failed otherwise.
    """

    measured: list[str] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)
    failed: int = 0
    errors: int = 0

    def status(self, pytests: int) -> int:
        """The status to end with, given pytest's own."""
        if pytests not in (FINE, FAILED):
            return pytests
        if self.failed:
            return FAILED
        if self.errors or pytests == FAILED:
            return ERROR
        return NOTHING_MEASURED if self.unmeasured and not self.measured else FINE
