"""A student or a drafter on its way to the Hugging Face hub, or into a folder that stands for it.

What goes: the files that its own record seals, that record, and its card. Training states, caches and whatever else
lies in the folder stay. Nothing is sent but by `offbook push` without `--dry-run`; who may write there is between the
user and `huggingface_hub`, which finds the token by itself.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from offbook.engine.files import atomic_files, atomic_write_text
from offbook.engine.quoting import quoted
from offbook.engine.resuming.seal import FILES, broken
from offbook.engine.text import read_json
from offbook.engine.trained_on import FILE as TRAINED_ON
from offbook.harness.interchange.certified import Certified
from offbook.harness.interchange.model_card import README, card_files
from offbook.harness.records.cell import Cell
from offbook.harness.records.exam import Exam
from offbook.harness.roster.drafter_info import CONFIG
from offbook.harness.roster.trained_on import RECORD


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """What goes to the hub.

    Attributes:
        folder: where the checkpoint lies.
        files: its files, by their names below the folder.
        texts: what is written for the hub, by name; wins over a file of that name.
    """

    folder: Path
    files: Sequence[str]
    texts: Mapping[str, str]

    def sizes(self) -> dict[str, int]:
        """Bytes by name, in order."""
        own = {name: (self.folder / name).stat().st_size for name in self.files if name not in self.texts}
        return dict(sorted((own | {name: len(text.encode()) for name, text in self.texts.items()}).items()))

    @property
    def card(self) -> str:
        """The text of its card."""
        return self.texts[README]

    def write(self, place: Path) -> None:
        """Writes all of it into a folder, whole or not at all; files of other names there stay.

        Raises:
            OSError: it cannot be written; it names the path.
        """
        with atomic_files(place) as temporary:
            for name in self.sizes():
                (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                if name in self.texts:
                    atomic_write_text(temporary / name, self.texts[name])
                else:
                    shutil.copyfile(self.folder / name, temporary / name)


def shipment(folder: Path, held: Sequence[Cell | Exam] = (), certificate: Certified | None = None) -> Shipment:
    """What goes to the hub of a student or a drafter.

    Raises:
        ValueError: it is neither, or is not as it was written; see `model_card.card_files`.
    """
    texts = card_files(folder, held, certificate)
    record = RECORD if (folder / RECORD).is_file() else CONFIG
    if (problem := broken(folder / record)) is not None:
        msg = f"{folder}: expected a checkpoint as it was written, got another: {problem}; train it anew"
        raise ValueError(msg)
    sealed = read_json(folder / record, what="a checkpoint's record", remedy="train it anew")[FILES]
    beside = [record, *([TRAINED_ON] if (folder / TRAINED_ON).is_file() else [])]
    return Shipment(folder=folder, files=sorted({*sealed, *beside}), texts=texts)


def check_repository(name: str) -> None:
    """Whether a name can be one on the hub.

    Raises:
        ValueError: it cannot.
    """
    try:
        validate_repo_id(name)
        whole = name.count("/") == 1
    except HFValidationError:
        whole = False
    if not whole:
        msg = f"expected a repository as OWNER/NAME, of letters, digits, - _ and ., got {quoted(name)}; choose another"
        raise ValueError(msg)


def to_mirror(what: Shipment, repository: str, mirror: Path) -> Path:
    """Writes a shipment below a folder that stands for the hub, and returns its place there.

    Raises:
        ValueError: no name of the hub's, or the checkpoint itself lies there.
        OSError: it cannot be written; it names the path.
    """
    check_repository(repository)
    place = mirror / repository
    if place.resolve() == what.folder.resolve():
        msg = f"{place}: expected another folder than the checkpoint's own; choose another --mirror"
        raise ValueError(msg)
    what.write(place)
    return place


def to_hub(what: Shipment, repository: str, *, public: bool) -> str:
    """Uploads a shipment in one commit, and returns where it lies; a repository that is new is private unless `public`.

    Raises:
        ValueError: no name of the hub's.
        huggingface_hub.errors.HfHubHTTPError: the hub is out of reach, or refuses.
    """
    from offbook import __version__

    check_repository(repository)
    hub = HfApi(library_name="offbook", library_version=__version__)
    with tempfile.TemporaryDirectory(prefix="offbook-") as staged:
        what.write(Path(staged))
        place = hub.create_repo(repository, private=not public, exist_ok=True)
        hub.upload_folder(repo_id=repository, folder_path=staged, commit_message=f"From offbook {__version__}")
    return str(place)
