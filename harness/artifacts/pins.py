"""What a plan found and pinned in its specifications, compared with what a stage finds when it comes to it.

Hours lie between the two, and `offbook work` may run on another machine. A model, a corpus or a suite that was edited
since would give numbers under a key that promises others.
"""

from collections.abc import Mapping

from offbook.engine.quoting import quoted
from offbook.harness.artifacts.sources import model_hashes
from offbook.harness.records.origin import Origin

AGAIN = "plan it again: what the change does not touch is kept"


def check_pin(what: str, *, planned: str | None, found: str | None) -> None:
    """Whether something is still what a run was planned with, told by its hash; None where the plan does not say.

    Raises:
        ValueError: it is another one here.
    """
    if planned is not None and planned != found:
        msg = f"{what}: expected {planned:.12} that the run was planned with, got {found or 'none':.12}; {AGAIN}"
        raise ValueError(msg)


def check_pins(whose: str, *, planned: Mapping[str, str], found: Mapping[str, str]) -> None:
    """`check_pin` of several things by their names.

    Raises:
        ValueError: see `check_pin`; or a name too much or too few.
    """
    for name in sorted(planned.keys() | found.keys()):
        check_pin(f"{name} of {whose}", planned=planned.get(name, "none"), found=found.get(name))


def check_model(name: str, revision: str | None, *, weights_sha256: str, settings_sha256: str | None) -> None:
    """Whether a model that is not loaded yet is still the one that a run was planned with.

    Raises:
        ValueError: see `check_pin`; or there is no such model.
    """
    weights, settings = model_hashes(name, revision)
    check_pin(f"weights of {quoted(name)}", planned=weights_sha256, found=weights)
    check_pin(f"settings of {quoted(name)}", planned=settings_sha256, found=settings)


def check_origin(name: str, *, planned: Origin | None, found: Origin | None) -> None:
    """Whether a contender is still the one that a run was planned with.

    Raises:
        ValueError: its code or its version is another one here.
    """
    if planned != found:
        ours = "offbook's own"
        msg = (
            f"{quoted(name)}: expected {planned or ours}, with which the run was planned, got {found or ours}; {AGAIN}"
        )
        raise ValueError(msg)
