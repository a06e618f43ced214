"""No test reaches the hub or a cache of it, whatever the machine has."""

from pathlib import Path

import pytest


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.delenv("OFFBOOK_DATA", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))


@pytest.fixture
def data_folder(no_hub: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder that OFFBOOK_DATA names, with its folder `test`."""
    monkeypatch.setenv("OFFBOOK_DATA", str(tmp_path))
    (tmp_path / "test").mkdir()
    return tmp_path
