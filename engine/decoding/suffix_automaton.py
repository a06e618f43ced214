"""Every substring of a growing text, how often it occurred and when last: a suffix automaton with counts.

A state stands for all substrings that end at the same places (Blumer et al., 1985); `link` leads to the state of the
longest suffix that ends at further places. Appending a token costs amortised constant time for the states, and a step
for each suffix of the text that occurred with another beginning for the counts.
"""

START = 0


class SuffixAutomaton:
    """Grows by `append`.

    Attributes:
        follow: of each state, the state of its substrings with a token behind them.
        link: of each state, that of the longest suffix of its substrings that ends at further places; -1 of the first.
        length: of each state, the tokens of its longest substring.
        count: of each state, how often its substrings occurred.
        recent: of each state, the number of tokens that had been appended when they occurred last.
        whole: the state of the text that was appended since the last `separate`.
    """

    def __init__(self) -> None:
        self.follow: list[dict[int, int]] = [{}]
        self.link = [-1]
        self.length = [0]
        self.count = [0]
        self.recent = [0]
        self.whole = START
        self._appended = 0

    def separate(self) -> None:
        """Begins another text: no substring reaches across."""
        self.whole = START

    def append(self, token: int) -> None:
        """The text goes on with a token."""
        self._appended += 1
        self.whole = self._extended(token)
        state = self.whole
        while state != START:
            self.count[state] += 1
            self.recent[state] = self._appended
            state = self.link[state]

    def _extended(self, token: int) -> int:
        """The state of the longest suffix of the text with a token behind it, made where there is none."""
        last, follow, link, length = self.whole, self.follow, self.link, self.length
        if (known := follow[last].get(token)) is not None:  # only behind `separate`
            return known if length[known] == length[last] + 1 else self._split(last, token, known)
        new = self._state(length[last] + 1, {})
        state = last
        while state != -1 and token not in follow[state]:
            follow[state][token] = new
            state = link[state]
        if state == -1:
            link[new] = START
            return new
        known = follow[state][token]
        link[new] = known if length[known] == length[state] + 1 else self._split(state, token, known)
        return new

    def _split(self, state: int, token: int, known: int) -> int:
        """Parts the substrings of `known` that `state` and a token make from the longer ones."""
        part = self._state(self.length[state] + 1, dict(self.follow[known]))
        self.link[part] = self.link[known]
        self.count[part], self.recent[part] = self.count[known], self.recent[known]
        self.link[known] = part
        while state != -1 and self.follow[state].get(token) == known:
            self.follow[state][token] = part
            state = self.link[state]
        return part

    def _state(self, length: int, follow: dict[int, int]) -> int:
        self.follow.append(follow)
        self.link.append(START)
        self.length.append(length)
        self.count.append(0)
        self.recent.append(0)
        return len(self.link) - 1
