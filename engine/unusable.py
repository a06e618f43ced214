"""A file of a training's own that cannot be gone on with: damaged, or another training's."""

from pathlib import Path


class UnusableError(ValueError):
    """Tells its user what is wrong; whoever owns the folder may remove it and begin anew.

    Attributes:
        path: the file, or the folder of the training.
    """

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path
