"""How many of what, as people write it."""


def counted(number: int, what: str) -> str:
    """A number with its noun, which has an s unless there is one of it: "1 suite", "0 suites"."""
    return f"{number} {what}{'' if number == 1 else 's'}"
