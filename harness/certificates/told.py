"""What the tests of a certificate found, in words and as parts of a report."""

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.real_vocabulary import Cells
from offbook.harness.certificates.report import Outcome, Part
from offbook.harness.certificates.sampling import ALPHA
from offbook.harness.records.certificate import Certificate


def outcome_of(found: Certificate) -> Outcome:
    """Near-ties of the target's own are no loss."""
    if found.verdict == "not_tested":
        return "not tested"
    return "differs" if found.verdict == "differs" else "lossless"


def settings_of(sampling: Sampling) -> str:
    """A phrase."""
    filters = [f"top-k {sampling.top_k}"] * (sampling.top_k > 0) + [f"top-p {sampling.top_p:g}"] * (sampling.top_p < 1)
    return ", ".join([f"temperature {sampling.temperature:g}", *filters])


def distribution(found: Certificate) -> str:
    """What draws do."""
    if found.verdict == "differs":
        return f"do not follow the target's law (p = {found.p_value or 0:.1g}; total variation {found.tv or 0:.3f})"
    return (
        f"follow the target's law (p = {found.p_value or 0:.2g}; total variation at most {found.tv_bound or 1:.4f} "
        "with 99.9 % confidence)"
    )


def cells_part(cells: Cells, name: str, what: str, law: str) -> Part:
    """Whether tokens follow the law that they should."""
    p_value, move = cells.p_value(), cells.found_move(ALPHA)
    right = p_value >= ALPHA
    told = f"{cells.tokens:,} {what} follow {law} (p = {p_value:.2g}; a move of {move:.3f} of its mass between "
    told += "candidates and others would have been found 99 times of 100)"
    if not right:
        told = f"{cells.tokens:,} {what} do not follow {law} (p = {p_value:.1g}, {cells.impossible} of them impossible)"
    return Part(
        name=name,
        outcome="lossless" if right else "differs",
        told=told,
        facts={
            "tokens": cells.tokens,
            "impossible": cells.impossible,
            "p_value": p_value,
            "found_move": move,
            "degrees_of_freedom": cells.degrees,
            "seen": cells.seen_J.tolist(),
            "expected": cells.expected_J.tolist(),
        },
    )


def identity(found: Certificate, what: str) -> str:
    """How many answers are plain decoding's."""
    if found.unexplained:
        first = next(one for one in found.detail if not one.tie)
        margin = "" if first.margin is None else f", where the target's choice was {first.margin:.2g} ahead"
        return (
            f"{found.unexplained} of {found.n} {what} are not plain decoding's: one parts at token {first.position}, "
            f"{first.got} in place of {first.expected}{margin}"
        )
    ties = f", {found.ties} of them up to a near-tie that rounding explains" if found.ties else ""
    return f"{found.n} {what} are plain decoding's, token by token{ties}"
