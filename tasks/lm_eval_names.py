"""The names of lm-eval's own tasks, groups and tags, read from the text of its task files.

Its own index takes half a minute to build; the text is read in about a second, and a name that stands nowhere in it as
the value of `task`, `group` or `tag`, or as an item of a list, is none of lm-eval's.
"""

import functools
import re
from pathlib import Path

# Keys may be quoted, lists may be in flow style; what else happens to be an item of a list does no harm.
_VALUE = re.compile(
    r"""^[ \t]*(?:-[ \t]+)?(?:["']?(?:task|group|tag)["']?[ \t]*:[ \t]*|-[ \t]+)"""
    r"""["']?([^\s"'#,\[\]]+)["']?[ \t]*(?:#.*)?$""",
    re.MULTILINE,
)
_FLOW = re.compile(r"""["']?(?:task|group|tag)["']?[ \t]*:[ \t]*\[([^\]]*)\]""")
_NO_NAMES = frozenset({"null", "true", "false", "none", "yes", "no", "on", "off"})  # YAML's own words


@functools.cache
def lm_eval_names() -> frozenset[str]:
    """Every name that lm-eval may know, and some words more."""
    import lm_eval.tasks  # imported late: it takes seconds

    # Suffixes do not say which files count: YAML includes some without any.
    files = (path for path in Path(lm_eval.tasks.__file__).parent.rglob("*") if path.suffix not in (".md", ".pyc"))
    text = "\n".join(path.read_text("utf-8", errors="ignore") for path in files if path.is_file())
    names = set(_VALUE.findall(text))
    for items in _FLOW.findall(text):
        names |= {item.strip().strip("'\"") for item in items.split(",")}
    return frozenset(name for name in names if name.lower() not in _NO_NAMES and any(map(str.isalpha, name)))
