"""No room reads data in a way that can run it: what is forbidden stands here by name, and who may by exception."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("kernels", "engine", "tasks", "methods", "baselines", "harness", "src/offbook/__init__.py")
MODULES = ("pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib", "jsonpickle", "code", "codeop")
KEYWORDS: dict[str | None, bool] = {"allow_pickle": False, "trust_remote_code": False, "weights_only": True}
BUILTINS = ("eval", "exec", "compile", "__import__", "execfile")
ATTRIBUTES = {
    "load_state": "accelerate unpickles what it finds; see engine/resuming/state.py",
    "register_for_checkpointing": "accelerate pickles it; see engine/resuming/state.py",
    "load_checkpoint_in_model": "it unpickles *.bin",
    "unsafe_load": "YAML tags run code",
    "full_load": "YAML tags build objects",
    "load_all": "YAML needs a safe loader",
    "read_pickle": "it unpickles",
    "runpy": "it runs files",
}
# Who may, and why: (file, what) -> reason.
ALLOWED = {
    ("harness/settings/strict_yaml.py", "yaml.load"): "its loader derives from SafeLoader, which the test below checks",
    ("harness/suites/sources.py", "yaml.load"): "offbook's own task files, by a SafeLoader that makes nothing of a tag",
    ("engine/drafters/published/files.py", "torch.load"): "of tensors alone, which the test below checks",
    # Processes of one training exchange objects by pickle over a connection of their own; no file is read.
    ("engine/students/processes.py", "gather_object"): "between a launch's own processes",
    ("engine/students/processes.py", "broadcast_object_list"): "between a launch's own processes",
}
SANDBOX = "tasks/prompts/sandbox/inside.py"  # runs what a model wrote, in a limited process of its own


def findings(source: str, name: str) -> Iterator[str]:
    """What is forbidden in a file, with its line."""
    for node in ast.walk(ast.parse(source)):
        line = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for module in modules:
                if module.split(".")[0] in MODULES:
                    yield f"{line}: import of {module}"
        if isinstance(node, ast.keyword) and node.arg in KEYWORDS:
            wanted = KEYWORDS[node.arg]
            if not isinstance(node.value, ast.Constant) or node.value.value is not wanted:
                yield f"{line}: {node.arg} that is not {wanted}"
        if isinstance(node, ast.Name) and node.id in BUILTINS:
            yield f"{line}: {node.id}"
        if isinstance(node, ast.Attribute):
            whole = ast.unparse(node)
            if whole in ("torch.load", "torch.jit.load", "torch.hub.load", "builtins.eval", "builtins.exec"):
                yield f"{line}: {whole}"
            if whole == "yaml.load":
                yield f"{line}: yaml.load"
            if node.attr in ATTRIBUTES:
                yield f"{line}: {node.attr}"
        if isinstance(node, ast.Name | ast.alias):
            called = node.id if isinstance(node, ast.Name) else node.name
            if called in ("gather_object", "broadcast_object_list", "all_gather_object", *ATTRIBUTES):
                yield f"{line}: {called}"


def test_no_room_runs_what_it_reads() -> None:
    found = []
    for room in ROOMS:
        for file in [ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py")):
            name = file.relative_to(ROOT).as_posix()
            if name != SANDBOX:
                found += [f for f in findings(file.read_text(encoding="utf-8"), name) if _key(f) not in ALLOWED]
    assert not found


def test_every_exception_is_still_needed() -> None:
    for (name, what), reason in ALLOWED.items():
        found = list(findings((ROOT / name).read_text(encoding="utf-8"), name))
        assert any(_key(f) == (name, what) for f in found), (name, what, reason)


def test_every_pickle_is_read_for_its_tensors_alone() -> None:
    """`weights_only` is said, whatever the library would take without it."""
    for name, what in ALLOWED:
        if what == "torch.load":
            tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
            calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == what]
            mentions = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and ast.unparse(n) == what]
            assert len(calls) == len(mentions) > 0, "called, and not handed on"
            assert all("weights_only=True" in ast.unparse(call) for call in calls)


def test_the_yaml_loader_of_configurations_is_a_safe_one() -> None:
    import yaml

    from offbook.harness.settings import strict_yaml as config
    from offbook.harness.suites import sources

    made = yaml.load("{call: !function os.system, list: !x [1]}", Loader=sources._Loader)
    assert made == {"call": None, "list": None}
    assert issubclass(sources._Loader, yaml.SafeLoader)
    assert issubclass(config._Loader, yaml.SafeLoader)
    assert not config._Loader.yaml_multi_constructors
    tags = {tag for tag in config._Loader.yaml_constructors if tag is not None}
    assert all(tag.startswith("tag:yaml.org,2002:") and "python" not in tag for tag in tags)


def _key(finding: str) -> tuple[str, str]:
    where, what = finding.split(": ", 1)
    return where.rpartition(":")[0], what


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from dill import load",
        "import joblib.externals",
        "from multiprocessing import reduction; import marshal",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "AutoModel.from_pretrained(x, trust_remote_code=True)",
        "yaml.load(text)",
        "yaml.unsafe_load(text)",
        "accelerator.load_state(folder)",
        "eval(text)",
        "run = exec",
        "compile(text, 'x', 'exec')",
        "pd.read_pickle(path)",
        "gather_object(x)",
    ],
)
def test_what_is_forbidden_is_found(source: str) -> None:
    assert list(findings(source, "x.py"))


@pytest.mark.parametrize(
    "source",
    [
        "re.compile('x'); model.eval()",
        "yaml.safe_load(text)",
        "AutoModel.from_pretrained(x, trust_remote_code=False)",
        "safetensors.torch.load(data)",
    ],
)
def test_what_is_safe_is_not(source: str) -> None:
    assert not list(findings(source, "x.py"))
