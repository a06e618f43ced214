"""What a certificate of a whole contender says: its parts, a verdict, one paragraph, and JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from offbook.engine.text import read_json

Outcome = Literal["lossless", "differs", "not tested"]
KIND = "contender_certificate"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One test.

    Attributes:
        name: of the test.
        outcome: what it found.
        told: what was tested and found, as a sentence without its full stop.
        facts: the same in numbers, as JSON.
    """

    name: str
    outcome: Outcome
    told: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Report:
    """All tests of a contender.

    Attributes:
        subject: who was tested, on what.
        parts: the tests.
        manifest: what they ran on.
    """

    subject: Mapping[str, Any]
    parts: Sequence[Part]
    manifest: Mapping[str, Any]

    @property
    def verdict(self) -> Outcome:
        """The worst of the parts; nothing is lossless of which a part could not be tested."""
        found = {part.outcome for part in self.parts}
        if "differs" in found:
            return "differs"
        return "not tested" if not found or "not tested" in found else "lossless"

    def paragraph(self) -> str:
        """For people."""
        options = ", ".join(f"{name} {value}" for name, value in self.subject["options"].items())
        who = f"{self.subject['decoder']}{f' ({options})' if options else ''}"
        where = f"{self.subject['model']}, {self.subject['dtype']}, layout {self.subject['layout']}"
        tests = " ".join(f"{part.told[:1].upper()}{part.told[1:]}." for part in self.parts)
        return f"{who} on {where}. {tests} Verdict: {self.verdict.upper()}."

    def to_json(self) -> str:
        """For machines."""
        content = {
            "schema_version": 1,
            "kind": KIND,
            "subject": dict(self.subject),
            "verdict": self.verdict,
            "parts": [
                {"name": part.name, "outcome": part.outcome, "told": part.told, "facts": dict(part.facts)}
                for part in self.parts
            ],
            "manifest": dict(self.manifest),
        }
        return json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n"


def read_report(path: Path) -> Report:
    """A certificate that `Report.to_json` wrote.

    Raises:
        ValueError: it is none, or says another verdict than its parts do.
    """
    remedy = "write it with `offbook certify`"
    found = read_json(path, what="a certificate", remedy=remedy)
    try:
        parts = [Part(**part) for part in found["parts"]]
        report = Report(subject=dict(found["subject"]), parts=parts, manifest=dict(found["manifest"]))
        whole = found["kind"] == KIND and found["verdict"] == report.verdict and bool(report.paragraph())
    except (KeyError, TypeError, ValueError, AttributeError):
        whole = False
    if not whole:
        msg = f"{path}: expected a certificate of a contender, got something else; {remedy}"
        raise ValueError(msg)
    return report
