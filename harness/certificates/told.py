"""What the tests of a certificate found, in words and as parts of a report."""

from collections.abc import Iterator
from typing import Any

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.real_vocabulary import Cells, Seen
from offbook.harness.certificates.report import Outcome, Part
from offbook.harness.certificates.sampling import ALPHA
from offbook.harness.records.certificate import Certificate

EXACT = 1e-12  # of a probability
WHOLE = 1e-4  # how far the mass of a named law may be from one


def outcome_of(found: Certificate) -> Outcome:
    """Near-ties of the target's own are no loss."""
    if found.verdict == "not_tested":
        return "not tested"
    return "differs" if found.verdict == "differs" else "lossless"


def certificate_part(found: Certificate, name: str, told: str, **facts: Any) -> Part:
    """What a certificate found, told in words; facts are added to its own."""
    return Part(name=name, outcome=outcome_of(found), told=told, facts=found.model_dump(mode="json") | facts)


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


def law_part(deviation: float, rule: str, at: str) -> Part:
    """Whether every branch of a verifier is the target's."""
    right = deviation <= EXACT
    return Part(
        name=f"law of the verifier, {at}",
        outcome="lossless" if right else "differs",
        told=f"at {at}, every branch of its verifier has the target's probability to {deviation:.0e}"
        if right
        else f"at {at}, its verifier says a text with a probability that is {deviation:.2g} off",
        facts={"rule": rule, "largest_deviation": deviation},
    )


def cells_part(cells: Cells, name: str, what: str, law: str) -> Part:
    """Whether tokens follow the law that they should."""
    p_value, move = cells.p_value(), cells.found_move(ALPHA)
    right = p_value >= ALPHA and cells.tokens > 0
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


def drawn_parts(seen: Seen, at: str) -> Iterator[Part]:
    """Whether drawn candidates come from the laws that they are said to come from; nothing where none were drawn."""
    if not seen.drafted.tokens:
        return
    part = cells_part(
        seen.drafted, f"drawn candidates, {at}", "drawn candidates", "the laws that they are said to come from"
    )
    told, outcome = part.told, part.outcome
    if seen.off_one > WHOLE:
        told = f"{told}, and one of these laws has a mass {seen.off_one:.2g} off one"
        outcome = "differs"
    if not seen.provenance.known:
        told += "; it draws by code of its own, so that these draws alone tell where its laws come from"
    facts = {**part.facts, "largest_mass_off_one": seen.off_one}
    yield Part(name=part.name, outcome=outcome, told=told, facts=facts)
    if seen.provenance.known:
        laws, fault = seen.provenance.laws, seen.provenance.fault
        yield Part(
            name=f"provenance of drawn candidates, {at}",
            outcome="differs" if fault else "lossless",
            told=f"one of {laws} laws that it names is not what was drawn from: {fault}"
            if fault
            else f"each of {laws} laws that it names is, bit for bit, what was drawn from",
            facts={"laws": laws, "fault": fault},
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
