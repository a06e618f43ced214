"""Checks every statement of a rationale against the problem's graph; knows nothing of how the rationale was written.

Of all rationales: the answer line is the gold one, every equality and comparison holds, every step of the graph is
worked out, every other number is one of the problem's or of an equality. Of each perspective: that it did what its
name says, with numbers recomputed from the graph.
"""

import re
from collections.abc import Callable, Iterator

from offbook.engine.students.corpus import ANSWER_LINE
from offbook.tasks.procedural import Problem, Quantity, Step
from offbook.tasks.procedural.generate import fits
from offbook.tasks.rationales.equalities import equalities, false_statements, refutations, value

Rule = Callable[[Problem, str], Iterator[str]]
VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
FARTHEST = 12  # how far a given may be moved to see what that does to the answer
_VERB = rf"\b(?:{'|'.join(VERBS.values())})\b"
_SYMBOLS = re.compile(r"\b([a-z]) = (\(*[a-z]\)*(?: [-+*/] \(*[a-z]\b\)*)+)")
_REJECTED = re.compile(r"\b(\d+) (?:cannot be|fails|is wrong)")
_REFUTED = re.compile(r"[^.,;:]*= ?\d+,? not \d+")
_QUESTION = re.compile(r"([^.?!]*)\?([^.?!]*)")
_ASKS = re.compile(r"\b(?:sought|asked for|want to know)\b")
_LABEL = re.compile(r"^(?:Part )?(\d)[.:] ", flags=re.MULTILINE)
_ROUNDED = re.compile(r"(\d+) is about (\d+)")
_CORRECTED = re.compile(r"(\d+) too (much|little): \d+ ([-+]) (\d+)")
_REMAINDER = re.compile(r"= (\d+) leaves (\d+), enough for (\d+) more: (\d+) / (\d+)")
_ASSIGNED = re.compile(r"\b([a-z]) = (\d+)\b(?! [-+*/])")


def faults(problem: Problem, perspective: str, text: str) -> list[str]:
    """What is wrong with a rationale, in words; empty if nothing is."""
    found = [f"does not hold: {statement}" for statement in false_statements(text)]
    line = ANSWER_LINE.format(answer=problem.answer)
    if text.splitlines()[-1] != line:
        found.append(f"does not end in the line {line!r}")
    results = {equality.result for equality in equalities(text)}
    found += [f"never works out {step.words}" for step in problem.steps if problem.values[step.key] not in results]
    found += [f"says {number} from nowhere" for number in _unfounded(problem, text)]
    return [*found, *RULES[perspective](problem, text)]


def _unfounded(problem: Problem, text: str) -> Iterator[int]:
    known = set(problem.values.values())
    for equality in equalities(text):
        known.update(int(number) for number in re.findall(r"\d+", equality.text))
    for match in _REMAINDER.finditer(text):
        known.update((int(match[2]), int(match[3])))
    unlabelled = _LABEL.sub("", text)
    yield from sorted({int(number) for number in re.findall(r"\d+", unlabelled)} - known)


def _formal_symbolic(problem: Problem, text: str) -> Iterator[str]:
    values = problem.values
    equations = [(match[1], value(match[2], values)) for match in _SYMBOLS.finditer(text)]
    if problem.steps[-1].key not in {letter for letter, _ in equations}:
        yield "has no equation in letters for the answer"
    assigned = [(match[1], int(match[2])) for match in _ASSIGNED.finditer(text)]
    if not {given.key for given in problem.givens} <= {letter for letter, _ in assigned}:
        yield "does not give every letter its number"
    for letter, number in [*equations, *assigned]:
        if values.get(letter) != number:
            yield f"the equation for {letter} disagrees with the problem"


def _intuitive(problem: Problem, text: str) -> Iterator[str]:
    if re.search(r"\b[a-z] =", text):
        yield "calculates with letters"
    for match in _ROUNDED.finditer(text):
        if abs(int(match[1]) - int(match[2])) > 5:
            yield f"rounds too far: {match[0]}"
    for match in _CORRECTED.finditer(text):
        if match[1] != match[4] or (match[2] == "much") != (match[3] == "-"):
            yield f"corrects wrongly: {match[0]}"
    for match in _REMAINDER.finditer(text):
        used, rest, more, total, size = (int(number) for number in match.groups())
        if used + rest != total or more * size != rest:
            yield f"divides wrongly: {match[0]}"


def _decomposition(problem: Problem, text: str) -> Iterator[str]:
    parts = re.findall(rf"{_LABEL.pattern}(.*)$", text, flags=re.MULTILINE)
    expected = len(problem.steps) if len(problem.steps) > 1 else max(2, len(parts))
    if [number for number, _ in parts] != [str(n + 1) for n in range(expected)]:
        yield "does not number its parts"
    if len(problem.steps) == 1:
        yield from _split(problem, [part for _, part in parts])
        return
    for (number, part), step in zip(parts, problem.steps, strict=False):
        if problem.values[step.key] not in {equality.result for equality in equalities(part)}:
            yield f"part {number} does not find {step.words}"


def _split(problem: Problem, parts: list[str]) -> Iterator[str]:
    """Faults of a calculation in parts: the last alone finds the answer, from what all others found."""
    stated = [equalities(part) for part in parts]
    if not all(stated):
        yield "has a part without a calculation"
        return
    results = [str(part[-1].result) for part in stated]
    if [number for number, result in enumerate(results, start=1) if result == problem.answer] != [len(parts)]:
        yield "does not find the answer in its last part alone"
    for number, result in enumerate(results[:-1], start=1):
        if int(result) not in {n for later in stated[number:] for equality in later for n in equality.numbers}:
            yield f"does not use part {number} afterwards"


def _planning(problem: Problem, text: str) -> Iterator[str]:
    plan = re.split(r"\d", text, maxsplit=1)[0].lower()
    verbs = re.findall(_VERB, plan)
    if verbs != [VERBS[step.op] for step in problem.steps]:
        yield "does not plan every step before the first number"
        return
    clauses = re.split(f"(?={_VERB})", plan)[1:]
    for clause, step in zip(clauses, problem.steps, strict=True):
        if not _planned(problem, step).match(clause):
            yield f"plans {step.words} from something else"


def _planned(problem: Problem, step: Step) -> re.Pattern[str]:
    """How a step is put into words: "add b to a", with "that" for the result of an earlier step."""
    earlier = {one.key for one in problem.steps}
    names = [(key, re.escape(problem.named(key).words.lower())) for key in (step.left, step.right)]
    left, right = (f"(?:{name}|that)" if key in earlier else name for key, name in names)
    ways = {
        "+": f"{right} to {left}|{left} to {right}",
        "-": f"{right} from {left}",
        "*": f"{left} by {right}|{right} by {left}",
        "/": f"{left} by {right}",
    }
    return re.compile(rf"{VERBS[step.op]} (?:{ways[step.op]})(?!\w)")


def _analogy(problem: Problem, text: str) -> Iterator[str]:
    listing = ".*?".join(rf"\b(\d+) {re.escape(given.unit)}(?!\w)" for given in problem.givens)
    if not (match := re.search(listing, text, flags=re.DOTALL)):
        yield "does not list the smaller numbers"
        return
    smaller = {given.key: int(number) for given, number in zip(problem.givens, match.groups(), strict=True)}
    if not all(smaller[given.key] <= given.value for given in problem.givens):
        yield "has no smaller numbers"
    yield from _recomputed(problem, problem.with_givens(smaller), text)


def _socratic(problem: Problem, text: str) -> Iterator[str]:
    if text.count("?") < 2:
        yield "asks too few questions"
    sought = problem.steps[-1].words
    for question, reply in _QUESTION.findall(text.lower()):
        if sought.lower() in (f"{question}?{reply}" if _ASKS.search(question) else question):
            return
    yield f"never asks for {sought}"


def _contrastive(problem: Problem, text: str) -> Iterator[str]:
    rejected = [int(number) for number in _REJECTED.findall(text)]
    candidates = [equality for equality in equalities(text) if equality.result in rejected]
    if int(problem.answer) in rejected:
        yield "rejects the right answer"
    if not candidates:
        yield "rejects no candidate that it worked out"
    left_out = [given for given in problem.givens if f"leaves out {given.words}." in text]
    reasons = " ".join([*refutations(text), *_REFUTED.findall(text)])
    if not left_out and not {int(number) for number in re.findall(r"\d+", reasons)} & set(rejected):
        yield "gives no reason that can be checked"
    for given in left_out:
        if any(given.value in candidate.numbers for candidate in candidates):
            yield f"says that {given.words} is left out, but the candidate uses it"


def _counterfactual(problem: Problem, text: str) -> Iterator[str]:
    for given in problem.givens:
        said = f" {given.unit} instead of {given.value}"
        if said in text and (match := re.search(rf"\b(\d+){re.escape(said)}\b", text)):
            changed = problem.with_givens({given.key: int(match[1])})
            yield from _recomputed(problem, changed, text)
            if _called_decisive(problem, text) != {given.words.lower()}:
                yield f"does not call {given.words} decisive, and it alone"
            most = max(_shifts(problem, given), default=0)
            for other in problem.givens:
                if min(_shifts(problem, other), default=0) > most:
                    yield f"calls {given.words} decisive, but {other.words} moves the answer more"
            if any(moved != _answer(changed) for moved in re.findall(r"moves the answer to (\d+)", text)):
                yield "reports another answer than the recomputed one"
            return
    yield "changes no condition"


def _called_decisive(problem: Problem, text: str) -> set[str]:
    """The givens that a text calls decisive, in small letters; of two names that begin alike, the longer."""
    longest = sorted((given.words.lower() for given in problem.givens), key=len, reverse=True)
    name = f"({'|'.join(map(re.escape, longest))})"
    found = re.findall(rf"{name} (?:is decisive|decides)|hangs on {name}", text.lower())
    return {one or other for one, other in found}


def _shifts(problem: Problem, given: Quantity) -> list[int]:
    """How far the smallest change of a given that leaves the numbers easy moves the answer, up and down."""
    for distance in range(1, FARTHEST + 1):
        changed = [problem.with_givens({given.key: given.value + move}) for move in (distance, -distance)]
        found = [abs(int(one.answer) - int(problem.answer)) for one in changed if fits(one)]
        if any(found):
            return [shift for shift in found if shift]
    return []


def _answer(problem: Problem) -> str | None:
    """The answer of a problem with changed numbers; None where they do not come out."""
    try:
        return problem.answer
    except ValueError:
        return None


def _recomputed(problem: Problem, changed: Problem, text: str) -> Iterator[str]:
    """Faults of a text that should solve the problem with changed numbers."""
    try:
        values = changed.values
    except ValueError as error:
        yield f"changes the numbers so that they do not come out: {error}"
        return
    if changed.answer == problem.answer:
        yield "changes the numbers but not the answer"
    stated = [(sorted(equality.numbers), str(equality.result)) for equality in equalities(text)]
    for step in changed.steps:
        if (sorted((values[step.left], values[step.right])), str(values[step.key])) not in stated:
            yield f"does not recompute {step.words} with the changed numbers"


RULES: dict[str, Rule] = {
    "formal_symbolic": _formal_symbolic,
    "intuitive": _intuitive,
    "decomposition": _decomposition,
    "planning": _planning,
    "analogy": _analogy,
    "socratic": _socratic,
    "contrastive": _contrastive,
    "counterfactual": _counterfactual,
}
