"""A contender of another distribution is told by that distribution's version and by its code; ours are not."""

import functools
import importlib
import importlib.metadata
import sys
from pathlib import Path

import pytest

from offbook.harness.artifacts.pins import check_origin
from offbook.harness.records.origin import Origin
from offbook.harness.roster import origin
from offbook.harness.roster.contender import GROUP
from offbook.harness.roster.decoders import DECODERS
from offbook.harness.roster.distillers import DISTILLERS
from offbook.harness.roster.origin import origin_of
from tests.harness.conftest import spec


@pytest.fixture
def package(tmp_path: Path, monkeypatch) -> Path:
    """Of another distribution: its entry point, its metadata, its code."""
    folder = tmp_path / "site" / "their_decoder"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("def build(target, options, folder):\n    return None\n")
    (folder / "helper.py").write_text("LENGTH = 1\n")
    told = folder.parent / "their_decoder-1.2.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: their-decoder\nVersion: 1.2\n")
    (told / "entry_points.txt").write_text(f"[{GROUP}]\ntheirs = their_decoder:CONTENDER\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    yield folder
    sys.modules.pop("their_decoder", None)
    origin._code_sha256.cache_clear()


def found(package: Path) -> Origin | None:
    """As another process finds it."""
    origin._code_sha256.cache_clear()
    sys.modules.pop("their_decoder", None)
    importlib.invalidate_caches()
    return origin_of(importlib.import_module("their_decoder").build, GROUP)


def test_a_distribution_is_told_with_its_version_and_its_code(package):
    told = found(package)
    assert (told.distribution, told.version) == ("their-decoder", "1.2")
    assert str(told) == f"their-decoder 1.2 (code {told.code_sha256[:12]})"


def test_every_change_of_its_code_is_another_origin(package):
    before = found(package)
    assert found(package) == before
    (package / "helper.py").write_text("LENGTH = 2\n")
    changed = found(package)
    (package / "helper.py").rename(package / "helping.py")
    renamed = found(package)
    assert len({before.code_sha256, changed.code_sha256, renamed.code_sha256}) == 3


def test_what_is_wrapped_is_told_by_what_is_inside(package):
    build = importlib.import_module("their_decoder").build
    assert origin_of(functools.partial(build, folder=None), GROUP) == origin_of(build, GROUP)


def test_our_own_contenders_have_none():
    assert {contender.made_by for contender in DECODERS.values()} == {None}
    assert {method.made_by for method in DISTILLERS.values()} == {None}


def test_code_without_a_file_is_told_as_unknown():
    made_up = type(sys)("made_up")
    exec("def build(target, options, folder): ...", vars(made_up))
    assert str(origin_of(made_up.build, GROUP)) == "made_up (code unknown)"


def test_keys_of_our_own_contenders_do_not_hold_one_and_those_of_others_do():
    ours = spec()
    theirs = ours.model_copy(update={"made_by": Origin(distribution="their-decoder", version="1.2", code_sha256="ab")})
    newer = ours.model_copy(update={"made_by": Origin(distribution="their-decoder", version="1.2", code_sha256="cd")})
    assert "made_by" not in ours.model_dump_json()
    assert len({ours.key(), theirs.key(), newer.key()}) == 3
    assert type(ours).model_validate_json(theirs.model_dump_json()) == theirs


def test_a_run_that_was_planned_with_other_code_says_so():
    one, other = (Origin(distribution="their-decoder", version=version, code_sha256="ab") for version in ("1", "2"))
    check_origin("theirs", planned=one, found=one)
    with pytest.raises(
        ValueError, match=r"expected their-decoder 1 \(code ab\), .* got their-decoder 2 \(code ab\); plan"
    ):
        check_origin("theirs", planned=one, found=other)
    with pytest.raises(ValueError, match="expected offbook's own"):
        check_origin("theirs", planned=None, found=one)
