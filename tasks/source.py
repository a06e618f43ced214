"""Where the questions of a published data set come from: a file under OFFBOOK_DATA, or the hub at a pinned commit.

Either way a document has the same fields: id, question, answer, and choices where the answer is a letter. A file under
OFFBOOK_DATA holds one such object a line; other fields of it are ignored. It wins over the hub, and is called a dev
subset wherever it holds fewer questions than were published: its scores are not comparable with published ones.
"""

import csv
import io
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet

from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted
from offbook.engine.text import parse_json, read_json_lines, read_text

VARIABLE = "OFFBOOK_DATA"
REMEDY = f"mend the line, or unset {VARIABLE}"
MARK = "offbook: "  # before the origin in a data set's description, where other people's data sets hold their abstract

Row = Mapping[str, Any]
Document = dict[str, Any]


class SuiteUnavailableError(ValueError):
    """A suite cannot be built on this machine, because its data set or a library it needs is not there."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One split of a published data set.

    Attributes:
        name: as people write it.
        size: how many questions were published.
        repository: on the Hugging Face hub; no code of it is run.
        revision: the commit, 40 hexadecimal digits.
        file: in that repository, in Parquet, CSV, JSON or JSON Lines.
        local: under the folder OFFBOOK_DATA names.
        n_choices: how many options a question has at most; 0 where the answer is no letter.
    """

    name: str
    size: int
    repository: str
    revision: str
    file: str
    local: str
    n_choices: int = 0


def load(source: Source, convert: Callable[[Row, int], Document]) -> dict[str, datasets.Dataset]:
    """The documents of a data set, as lm-eval's split `test`; `origin_of` tells where they come from.

    A local file is also named on standard error, for lm-eval's own command line.

    Args:
        source: the data set.
        convert: makes a document of a row of the hub's file and its place, from 0.

    Raises:
        SuiteUnavailableError: there is no local file, and the hub is out of reach, or keeps the data set behind a gate.
        ValueError: a file that is not what was expected.
    """
    path = local_file(source)
    if path is not None:
        documents = read_local(source, path)
        subset = "dev subset, " if len(documents) < source.size else ""
        origin = f"{source.name}: {subset}{len(documents):,} of {source.size:,} questions, {VARIABLE}/{source.local}"
        print(MARK + origin, file=sys.stderr)
    else:
        documents = [convert(row, number) for number, row in enumerate(_read(fetched(source)))]
        origin = f"{source.name}: {source.repository} at {source.revision}"
        if len(documents) != source.size:
            msg = (
                f"{origin}: expected {source.size:,} questions, got {len(documents):,}; delete it from the hub's cache"
            )
            raise ValueError(msg)
    data = datasets.Dataset.from_list(documents)
    data.info.description = MARK + origin
    return {"test": data}


def origin_of(documents: Any) -> str | None:
    """Where documents that `load` returned come from, in one line; None for those of other suites."""
    description = getattr(getattr(documents, "info", None), "description", None) or ""
    return description.removeprefix(MARK) if description.startswith(MARK) else None


def local_file(source: Source) -> Path | None:
    """The file under OFFBOOK_DATA, or None where the variable is unset or the folder lacks it."""
    folder = os.environ.get(VARIABLE)
    path = user_path(folder, what=VARIABLE) / source.local if folder else None
    return path if path is not None and path.is_file() else None


def read_local(source: Source, path: Path) -> list[Document]:
    """The documents of a local file.

    Raises:
        ValueError: no line, or a line that is no document; the message names file and line.
    """
    documents: dict[str, Document] = {}
    for where, row in read_json_lines(path, what="questions in JSON Lines", remedy=REMEDY):
        document = _document(source, row, where)
        if document["id"] in documents:
            msg = f"{where}: expected every id once, got {quoted(document['id'])} again; rename or remove one"
            raise ValueError(msg)
        documents[document["id"]] = document
    if not documents:
        msg = f"{path.name}: expected questions, one JSON object a line, got none; check that the file is whole"
        raise ValueError(msg)
    return list(documents.values())


def _document(source: Source, row: Any, where: str) -> Document:
    for field in ("id", "question", "answer"):
        if not isinstance(row, dict) or not isinstance(row.get(field), str) or not row[field].strip():
            msg = f"{where}: expected a JSON object with a text {field!r}, got none; {REMEDY}"
            raise ValueError(msg)
    document = {field: row[field] for field in ("id", "question", "answer")}
    if not source.n_choices:
        return document
    choices = row.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        msg = f"{where}: expected choices as a list of texts, got {quoted(choices)}; {REMEDY}"
        raise ValueError(msg)
    letters = [chr(ord("A") + place) for place in range(min(len(choices), source.n_choices))]
    if row["answer"] not in letters:
        msg = (
            f"{where}: expected an answer among the letters {', '.join(letters)}, got {quoted(row['answer'])}; {REMEDY}"
        )
        raise ValueError(msg)
    return document | {"choices": choices}


def fetched(source: Source) -> Path:
    """The hub's file, from its cache where it is there: a commit does not change, so that nothing is asked again.

    Raises:
        SuiteUnavailableError: the hub is out of reach, or keeps the data set behind a gate.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url  # imported late: these take a second
    from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, OfflineModeIsEnabled

    where: dict[str, Any] = {
        "repo_id": source.repository,
        "filename": source.file,
        "revision": source.revision,
        "repo_type": "dataset",
    }
    remedy = f"or point {VARIABLE} at a folder that holds {source.local}"
    try:
        return Path(hf_hub_download(**where, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    try:
        get_hf_file_metadata(hf_hub_url(**where))  # asks once, where the download would try for half a minute
        return Path(hf_hub_download(**where))
    except GatedRepoError as error:
        msg = (
            f"{source.name}: expected access to {source.repository} on the Hugging Face hub, which is gated, got none; "
            f"accept its terms there and run `hf auth login`, {remedy}"
        )
        raise SuiteUnavailableError(msg) from error
    except Exception as error:  # the hub's HTTP library raises its own, and is another one from release to release
        said = (str(error).splitlines() or [""])[0]
        reason = "HF_HUB_OFFLINE is set" if isinstance(error, OfflineModeIsEnabled) else said or type(error).__name__
        msg = (
            f"{source.name}: expected {source.repository} from the Hugging Face hub, got no answer ({reason}); connect "
            f"to the network, {remedy}"
        )
        raise SuiteUnavailableError(msg) from error


def _read(path: Path) -> list[Row]:
    """The rows of a file, by its ending.

    Raises:
        ValueError: it is damaged.
    """
    rows: list[Row]
    remedy = "delete it from the hub's cache"
    try:
        if path.suffix == ".parquet":
            rows = pyarrow.parquet.read_table(path).to_pylist()
        elif path.suffix == ".csv":
            rows = list(csv.DictReader(io.StringIO(read_text(path, what="a table"), newline="")))
        elif path.suffix == ".jsonl":
            rows = [row for _, row in read_json_lines(path, what="questions in JSON Lines", remedy=remedy)]
        else:
            rows = parse_json(read_text(path, what="questions in JSON"), source=str(path), remedy=remedy)
    except (pyarrow.ArrowException, csv.Error) as error:
        msg = f"{path}: expected a table, got {' '.join(str(error).split())}; {remedy}"
        raise ValueError(msg) from error
    return rows
