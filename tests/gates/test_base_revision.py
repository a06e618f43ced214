"""Which tree the time gates compare with, and that there may be none."""

import subprocess

import pytest

from tests.gates.base_revision import NothingMeasuredError, base_revision, lay_out


def git(root, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(root, text):
    (root / "file").write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-qm", text)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "-q")
    return root


def test_on_main_it_is_the_commit_before(checkout):
    before = commit(checkout, "first")
    commit(checkout, "second")
    assert base_revision(checkout) == before


def test_on_main_with_changes_it_is_the_commit_itself(checkout):
    commit(checkout, "first")
    head = commit(checkout, "second")
    (checkout / "file").write_text("third")
    assert base_revision(checkout) == head


def test_on_a_branch_it_is_where_the_branch_left_main(checkout):
    left = commit(checkout, "first")
    git(checkout, "checkout", "-qb", "branch")
    commit(checkout, "mine")
    commit(checkout, "mine too")
    git(checkout, "checkout", "-q", "main")
    commit(checkout, "theirs")
    git(checkout, "checkout", "-q", "branch")
    assert base_revision(checkout) == left


def test_it_may_be_named(checkout):
    first = commit(checkout, "first")
    commit(checkout, "second")
    commit(checkout, "third")
    assert base_revision(checkout, named="HEAD~2") == first


def test_a_name_that_is_not_here_is_nothing_measured(checkout):
    commit(checkout, "first")
    with pytest.raises(NothingMeasuredError, match="got 'v9'; fetch it"):
        base_revision(checkout, named="v9")


def test_the_first_commit_has_nothing_to_be_measured_against(checkout):
    commit(checkout, "first")
    with pytest.raises(NothingMeasuredError, match="no commit before this one"):
        base_revision(checkout)


def test_a_shallow_clone_has_nothing_to_be_measured_against(checkout, tmp_path):
    commit(checkout, "first")
    commit(checkout, "second")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{checkout}", "shallow")
    with pytest.raises(NothingMeasuredError, match="--unshallow"):
        base_revision(tmp_path / "shallow")


def test_an_export_without_git_has_nothing_to_be_measured_against(tmp_path):
    with pytest.raises(NothingMeasuredError, match="no git checkout"):
        base_revision(tmp_path)


def test_an_export_inside_of_another_checkout_is_no_checkout(checkout):
    commit(checkout, "first")
    commit(checkout, "second")
    (checkout / "export").mkdir()
    with pytest.raises(NothingMeasuredError, match="no git checkout"):
        base_revision(checkout / "export")


def test_without_git_itself_nothing_is_measured(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NothingMeasuredError, match="no git checkout"):
        base_revision(checkout)


def test_a_tree_is_laid_out_as_committed_with_its_links_and_without_results(checkout, tmp_path):
    for folder in ("results", "room", "src/package"):
        (checkout / folder).mkdir(parents=True)
        (checkout / folder / "a").write_text("a")
    (checkout / "src/package/room").symlink_to("../../room")
    first = commit(checkout, "first")
    commit(checkout, "second")
    (checkout / "file").write_text("third")
    lay_out(first, tmp_path / "tree", checkout)
    assert (tmp_path / "tree/file").read_text() == "first"
    assert (tmp_path / "tree/src/package/room/a").read_text() == "a"
    assert not (tmp_path / "tree/results").exists()
