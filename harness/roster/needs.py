"""What a contender needs before it can take part: a drafter, another model, an extra of offbook's to install."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

from offbook.harness.roster.contender import Contender
from offbook.harness.roster.distillers import StudentMethod
from offbook.harness.roster.draft_model import DraftModelOptions

DISTRIBUTION = "offbook"
_REQUIREMENT = re.compile(r"""\s*(?P<name>[A-Za-z0-9._-]+).*;.*\bextra\s*==\s*["'](?P<extra>[^"']+)["']""")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """See the module.

    Attributes:
        drafter: "trained" or "counted" (by `offbook train-drafter`), or "" where it has none.
        drafter_of: whose drafter it takes, where that is another's; "" else.
        model: another model that takes part, in words; "" for none.
        extra: of offbook, as pip installs it; "" for none.
        is_installed: whether everything that this brings is there.
    """

    drafter: str = ""
    drafter_of: str = ""
    model: str = ""
    extra: str = ""
    is_installed: bool = True

    def told(self, name: str) -> list[str]:
        """For people, a clause each; none where nothing is needed."""
        clauses = []
        if self.drafter_of:
            clauses.append(f"{self.drafter_of}'s drafter (`offbook train-drafter {self.drafter_of}`)")
        elif self.drafter:
            clauses.append(f"a {self.drafter} drafter (`offbook train-drafter {name}`)")
        if self.model:
            clauses.append(self.model)
        if self.extra:
            here = "which is installed" if self.is_installed else "which is not installed"
            clauses.append(f"pip install 'offbook[{self.extra}]', {here}")
        return clauses


def of_decoder(contender: Contender) -> Needs:
    """Of a decoder."""
    drafter = "" if contender.architecture is None else "counted" if contender.counted else "trained"
    drafts = issubclass(contender.options, DraftModelOptions)
    return Needs(
        drafter=drafter,
        drafter_of=contender.drafter_of or "",
        model="a smaller model of the same vocabulary, or the target's first layers" if drafts else "",
        extra=contender.extra or "",
        is_installed=contender.extra is None or is_installed(contender.extra),
    )


def of_method(method: StudentMethod) -> Needs:
    """Of a distillation method; all of them need a corpus, which is procedural by default."""
    models = [f"a model as its {name}" for name in method.models]
    vectors = ["a text encoder"] if method.reads_vectors else []
    return Needs(model=" and ".join((*vectors, *models)))


def is_installed(extra: str) -> bool:
    """Whether every distribution that an extra of offbook brings is there; not where nobody knows what it brings."""
    names = extras().get(extra, ())
    return bool(names) and all(map(_is_there, names))


def extras() -> Mapping[str, tuple[str, ...]]:
    """The distributions behind each extra, from offbook's own metadata; none where it was not installed."""
    try:
        required = metadata.requires(DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for each in map(_REQUIREMENT.match, required):
        if each is not None:
            found[each["extra"]] = (*found.get(each["extra"], ()), each["name"])
    return found


def _is_there(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
