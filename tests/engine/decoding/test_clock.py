"""The gauge of memory, on systems that tell it in their own ways."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import torch

from offbook.engine.decoding import clock

CPU = torch.device("cpu")


def test_the_peak_is_of_this_process():
    clock.reset_peak(CPU)
    assert clock.peak_bytes(CPU) > 2**20


def test_a_system_without_the_module_resource_has_a_peak_too(monkeypatch):
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=5))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)  # to import it is an error
    monkeypatch.setitem(sys.modules, "psutil", SimpleNamespace(Process=lambda: process))
    spec = importlib.util.spec_from_file_location("clock_elsewhere", Path(clock.__file__))
    elsewhere = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(elsewhere)
    elsewhere.reset_peak(CPU)
    assert elsewhere.peak_bytes(CPU) == 5
