"""Other people's task code, told in one line: which suite, what kind of error, which file.

A suite is YAML, templates, data files and functions that somebody wrote. Whatever they, or lm-eval at their hands,
raise while the suite is built, asked or scored is the suite's mistake and no bug of offbook.
"""

import contextlib
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from jinja2 import TemplateError

from offbook.engine.encoding import EncodingError
from offbook.engine.quoting import quoted
from offbook.tasks.source import SuiteUnavailableError

OWN = Path(__file__).resolve().parent  # suites lie in folders of it
LONGEST = 240  # characters of a foreign message


class TaskError(ValueError):
    """A suite that cannot be built, asked or scored; one line.

    Attributes:
        own_code: whether the task's own code raised it, which may have to do with the answer it was given.
    """

    def __init__(self, message: str, *, own_code: bool = False) -> None:
        super().__init__(message)
        self.own_code = own_code


@contextlib.contextmanager
def blamed(suite: str, wanted: str, *, source: Path | None, folders: Sequence[Path] = ()) -> Iterator[None]:
    """Turns whatever is raised inside into a `TaskError`, but for what says by itself what is wrong.

    Args:
        suite: its name.
        wanted: what was expected to work, such as "lm-eval to build it".
        source: its task file.
        folders: where the task's own code may lie, beside the folder of `source`.

    Raises:
        TaskError: see the class.
    """
    try:
        yield
    except (SuiteUnavailableError, EncodingError, TaskError):
        raise
    except (Exception, SystemExit) as error:  # a task is a program; it may raise whatever it likes
        reason, own_code = reason_of(error, [*folders, *([source.parent] if source else [])])
        where = "" if source is None else f"; mend {source}"
        msg = f"suite {quoted(suite)}: expected {wanted}, got {reason}{where}"
        raise TaskError(msg, own_code=own_code) from error


def reason_of(error: BaseException, folders: Sequence[Path]) -> tuple[str, bool]:
    """What was raised and where, in one line; whether code of these folders raised it."""
    folders = [folder.resolve() for folder in folders]
    chain = [error]
    while (cause := _cause(chain[-1])) is not None and cause not in chain:
        chain.append(cause)
    places = [(link, place) for link in chain if (place := _place(link, folders)) is not None]
    first, place = places[-1] if places else (chain[-1], "")
    told = [first] if places else [error, *([chain[-1]] if len(chain) > 1 else [])]
    reason = ", because of ".join(dict.fromkeys(map(_told, told)))
    return f"{reason}{place and f' in {place}'}{_hint(first)}", bool(places)


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _place(error: BaseException, folders: Sequence[Path]) -> str | None:
    """The innermost line of the task's own code that an error passed through."""
    if isinstance(error, SyntaxError) and error.filename and _inside(error.filename, folders):
        return f"{Path(error.filename).name}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _inside(frame.filename, folders)]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else None


def _inside(file: str, folders: Sequence[Path]) -> bool:
    path = Path(file).resolve()
    return path.suffix == ".py" and path.parent != OWN and any(path.is_relative_to(folder) for folder in folders)


def _told(error: BaseException) -> str:
    text = " ".join(str(error).split())
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _hint(error: BaseException) -> str:
    """What an error means that does not say so itself."""
    text = str(error)
    if isinstance(error, TemplateError):
        return " in a template of its YAML"
    if isinstance(error, StopIteration) or (isinstance(error, IndexError) and "size 0" in text):
        return " (an empty data file or split)"
    if isinstance(error, UnicodeDecodeError):
        return " (a data file that is not UTF-8: re-encode it)"
    if "Context is not a string" in text:
        return " (doc_to_text must give text)"
    return ""
