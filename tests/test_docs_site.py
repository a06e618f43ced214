"""The pages of docs/: all are on the site, no link leads nowhere, and what the API page says is what there is."""

import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import offbook
from tests.documents import ROOT, documents

DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FORGE = re.compile(r"(\.\./){2}actions/")  # a page of the forge, beside the files


def site() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    return found


def pages(nav: Any) -> list[str]:
    """The files of a navigation, however deep."""
    if isinstance(nav, str):
        return [nav]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in pages(part)]


def anchors(path: Path) -> set[str]:
    """Of its headings, as a forge and mkdocs make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("outside_links", DOCS / "outside_links.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation_once_and_every_entry_is_a_page():
    there = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    assert sorted(pages(site()["nav"])) == there


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_link_between_documents_leads_nowhere(path):
    for target, anchor in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if FORGE.match(target):
            assert target.endswith(("ci.yml", "badge.svg"))
            continue
        place = (path.parent / target).resolve() if target else path
        assert place.exists(), f"{target} of {path.name}"
        if anchor and place.suffix == ".md":
            assert anchor in anchors(place), f"{target}#{anchor} of {path.name}"


def test_links_out_of_docs_are_told_as_files_and_others_stay(hook):
    text = "See [the list](../results/LOG.md), [the words](glossary.md#decoding) and [it](https://example.org).\n"
    told = hook.without_outside_links(text, DOCS)
    assert "the list (`results/LOG.md`)" in told
    assert "[the words](glossary.md#decoding)" in told
    assert "[it](https://example.org)" in told


def test_what_stands_in_a_block_of_code_is_no_link(hook):
    text = "```\n[a](../nowhere.md)\n```\n"
    assert hook.without_outside_links(text, DOCS) == text


@pytest.mark.parametrize("link", ["../nowhere.md", "../../outside.md"])
def test_a_link_to_nothing_stops_the_build(hook, link):
    with pytest.raises(FileNotFoundError, match="expected a link to a file of the checkout"):
        hook.without_outside_links(f"[a]({link})", DOCS)


def test_the_api_page_has_every_name_with_every_argument():
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## offbook\.(\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert sorted(sections) == sorted(offbook.__all__)
    for name in ("load", "generate", "evaluate", "records", "answers"):
        for argument in inspect.signature(getattr(offbook, name)).parameters:
            assert re.search(rf"\b{argument}\b", sections[name]), f"{argument} of {name}"
    for member in ("networks", "taps", "max_nodes", "begin", "observe", "propose"):
        assert f"`{member}`" in sections["Drafter"]


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    if shutil.which("mkdocs") is None and importlib.util.find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed here; `nox -s docs` builds the site in an environment of its own")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "losslessness.html").is_file()
