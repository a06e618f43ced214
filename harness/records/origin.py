"""Where a contender comes from that is not of this repository."""

from offbook.harness.records.strict import AtRest


class Origin(AtRest):
    """Whose code a contender is; part of the keys of what it made, so that a change of it is another measurement.

    Attributes:
        distribution: that has the entry point; without one, the name of the top-level module.
        version: of the distribution; None without one.
        code_sha256: hash of the Python files of the top-level package; None where there are no files, as in a notebook.
    """

    distribution: str
    version: str | None = None
    code_sha256: str | None = None

    def __str__(self) -> str:
        """For people."""
        code = self.code_sha256[:12] if self.code_sha256 else "unknown"
        return f"{' '.join(part for part in (self.distribution, self.version) if part)} (code {code})"
