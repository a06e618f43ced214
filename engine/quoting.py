"""How a message repeats what somebody wrote: in quotes, and without the middle where it is long.

A name of 5,000 letters must not push the rest of the line out of sight: what was expected, and what to do.
"""

import re
from collections.abc import Iterable, Sequence

LONGEST = 80  # characters of what is repeated
LONGEST_PATH = 300  # whoever looks for a file needs all of its path

_HEAD, _TAIL = 48, 12
_LONG_WORD = re.compile(rf"\S{{{LONGEST_PATH + 3},}}")


def quoted(value: object, longest: int = LONGEST) -> str:
    """A value as Python writes it, names in quotes, cut by `shortened`."""
    return shortened(repr(value), longest)


def quoted_path(path: object) -> str:
    """A path, or a model's name that may be one, in quotes."""
    return quoted(str(path), LONGEST_PATH)


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text of at most `longest` characters as it is; of a longer one the beginning, the end and how long it is."""
    return text if len(text) <= longest else f"{text[:_HEAD]}...{text[-_TAIL:]} ({len(text)} characters)"


def without_long_words(line: str, given: Iterable[str] = ()) -> str:
    """A line whose words of more characters than a path has are shortened, whoever repeated them.

    Args:
        line: a message.
        given: texts that somebody wrote, such as a command line; long ones count as one word, spaces and all.
    """
    for text in given:
        if len(text) > LONGEST_PATH:
            line = line.replace(text, shortened(text))
    return _LONG_WORD.sub(lambda match: shortened(match[0]), line)


def ranges(numbers: Sequence[int]) -> str:
    """Numbers of lines as an editor takes them: "3", "3-5, 8"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
