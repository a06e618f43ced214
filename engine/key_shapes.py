"""Whether a part of a name looks like a key to somebody's account: where names are shown, such a one is not.

No list of shapes is complete, so this stands behind the rule that only known names are shown, and never in its place.
"""

import re

# Keys that say so themselves: the providers' own prefixes and the least that follows them.
MARKED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA|AGPA|AROA)[A-Z0-9]{12,}|AIza[\w-]{16,}|ya29\.[\w-]{8,}"
    r"|hf_[A-Za-z0-9]{16,}|(?:gh[oprsu]|npm|dop_v1|glpat|pypi|shp(?:at|ca|pa|ss))[_-][A-Za-z0-9_-]{12,}"
    r"|github_pat_\w{8,}|(?:sk|pk|rk)[_-](?:(?:proj|live|test|ant|api\d\d|or|v1)[_-])*[A-Za-z0-9_]{16,}|xox[a-z]-[\w-]{8,}"
    r"|eyJ[\w-]{8,}|SG\.[\w-]{8,})"
)
RUN = re.compile(r"[A-Za-z0-9]{20,}")


def looks_like_a_key(text: str) -> bool:
    """Whether a part of it has a provider's prefix, or is a long run of letters and digits as no word of a name is.

    A word is a run of at least 20: letters in both cases, capitals alone or hexadecimals, and digits among them.
    """
    return bool(MARKED.search(text)) or any(_is_noise(run) for run in RUN.findall(text))


def _is_noise(run: str) -> bool:
    if not any(c.isdigit() for c in run):
        return False
    mixed = any(c.islower() for c in run) and any(c.isupper() for c in run)
    return mixed or re.fullmatch(r"[0-9a-f]+|[0-9A-F]+|[A-Z0-9]+", run) is not None
