"""The suffix automaton against counting by hand: every substring, how often, when last, and what follows it."""

from hypothesis import given
from hypothesis import strategies as st

from offbook.engine.decoding.suffix_automaton import START, SuffixAutomaton

texts = st.lists(st.lists(st.integers(0, 2), max_size=12), min_size=1, max_size=3)


def grown(texts: list[list[int]]) -> SuffixAutomaton:
    automaton = SuffixAutomaton()
    for text in texts:
        automaton.separate()
        for token in text:
            automaton.append(token)
    return automaton


def state_of(automaton: SuffixAutomaton, substring: list[int]) -> int | None:
    state: int | None = START
    for token in substring:
        state = None if state is None else automaton.follow[state].get(token)
    return state


@given(texts)
def test_it_knows_every_substring_how_often_it_occurred_and_when_last(texts):
    automaton = grown(texts)
    before = [sum(map(len, texts[:n])) for n in range(len(texts))]
    for size in range(1, 6):
        ends: dict[tuple[int, ...], list[int]] = {}
        for start, text in zip(before, texts, strict=True):
            for end in range(size, len(text) + 1):
                ends.setdefault(tuple(text[end - size : end]), []).append(start + end)
        for substring, places in ends.items():
            state = state_of(automaton, list(substring))
            assert state is not None
            assert (automaton.count[state], automaton.recent[state]) == (len(places), places[-1])
    assert state_of(automaton, [0, 3]) is None


@given(texts)
def test_links_lead_from_the_text_over_its_suffixes_that_occur_elsewhere(texts):
    automaton, text = grown(texts), texts[-1]
    state, left = automaton.whole, len(text)
    while state != START:
        assert state_of(automaton, text[len(text) - automaton.length[state] :]) == state
        assert automaton.length[state] <= left
        left, state = automaton.length[state], automaton.link[state]


def test_no_substring_reaches_from_one_text_into_the_next():
    assert state_of(grown([[1, 2], [3, 4]]), [2, 3]) is None
