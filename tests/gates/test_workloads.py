"""The workloads of the time gates: as listed, each of them runs, and does the same work every time."""

from tests.gates.paired_run import listed
from tests.gates.workloads import SIZES, WORKLOADS, prepare_all


def test_the_list_and_the_workloads_are_the_same_names_at_most_four():
    assert sorted(listed()) == sorted(SIZES) == sorted(WORKLOADS)
    assert len(listed()) <= 4


def test_every_block_does_the_same_work_each_time(tmp_path):
    for block in prepare_all(tmp_path).values():
        first, second = block(), block()
        assert first == second > 0
