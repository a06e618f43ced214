"""The floor under a step: how fast memory is read."""

from offbook.engine import machine_bandwidth


def test_bandwidth_is_that_of_the_best_reading(monkeypatch):
    seconds = iter([0.5, 0.25, 1.0])
    monkeypatch.setattr(machine_bandwidth, "BUFFER_BYTES", 4096)
    monkeypatch.setattr(machine_bandwidth, "_seconds", lambda buffer: next(seconds))
    assert machine_bandwidth.read_bandwidth(3) == 4096 / 0.25


def test_a_reading_takes_time(monkeypatch):
    monkeypatch.setattr(machine_bandwidth, "BUFFER_BYTES", 4096)
    assert machine_bandwidth.read_bandwidth(1) > 0
