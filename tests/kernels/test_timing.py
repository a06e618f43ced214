"""The bench on made-up operations and a made-up clock: no test is judged by the real one."""

import itertools
import time
from xml.etree import ElementTree

import pytest
import torch

from offbook.kernels import bench
from offbook.kernels.proof.case import Timed
from offbook.kernels.timing import agreement, cuda, paired, plot, rows, table

SVG = "{http://www.w3.org/2000/svg}"


def case(**changes) -> Timed:
    told = {"op": "double", "shape": "small", "dtype": "float32", "bytes": 8.0, "flops": 1.0}
    providers = {"offbook": lambda x: x * 2, "replaced": lambda x: x + x}
    return Timed(**{**told, "inputs": lambda seed: [torch.full((4,), 1.0 + seed)], "providers": providers, **changes})


class Clock:
    """Seconds that only calls spend."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(paired.time, "perf_counter", lambda: self.now)

    def spending(self, *seconds):
        left = itertools.cycle(seconds)

        def call(_):
            self.now += next(left)

        return call


def test_a_function_that_takes_twice_as_long_has_ratio_2(monkeypatch):
    clock = Clock(monkeypatch)
    found = paired.time_in_turns(clock.spending(0.002), clock.spending(0.001), [[1], [2]], budget_s=1.0)
    assert found.ratio == pytest.approx(2)
    assert (found.low, found.high) == (pytest.approx(2), pytest.approx(2))
    assert found.first_s[0] == pytest.approx(0.002)


def test_a_block_that_was_held_up_moves_nothing(monkeypatch):
    clock = Clock(monkeypatch)
    held_up = clock.spending(*[0.001] * 99, 0.5)
    found = paired.time_in_turns(held_up, clock.spending(0.001), [[1]], budget_s=1.0)
    assert found.ratio == pytest.approx(1)
    assert found.low == pytest.approx(1)
    assert found.high == pytest.approx(1)


@pytest.mark.parametrize(("n", "k"), [(7, 0), (8, 1), (11, 1), (20, 4), (100, 37)])
def test_the_interval_of_a_median_is_that_of_the_tables(n, k):
    values = [float(value) for value in range(n)]
    expected = (values[k - 1], values[n - k]) if k else (float("-inf"), float("inf"))
    assert paired.median_interval(values) == expected


def test_quantiles_are_of_the_samples():
    assert cuda.quantiles([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == (2.5, 1.0, 4.0)
    assert cuda.quantiles([3.0]) == (3.0, 3.0, 3.0)


def test_tensors_are_found_in_what_holds_them():
    a, b, c = torch.zeros(3)
    assert [id(each) for each in cuda.tensors([a, {"b": (b, 1)}, None, [c]])] == [id(a), id(b), id(c)]


def test_a_provider_that_is_right_agrees_and_one_that_is_not_does_not():
    agreement.check(case(), "offbook")
    off = {"offbook": lambda x: x * 2.001, "replaced": lambda x: x + x}
    with pytest.raises(AssertionError, match=r"off by 0.0005 of fp64"):
        agreement.check(case(providers=off), "offbook")
    with pytest.raises(AssertionError, match="expected 1 tensors, got 2"):
        agreement.check(case(providers=off | {"offbook": lambda x: (x + x, x)}), "offbook")
    places = {"offbook": lambda x: x.argmax() + 1, "replaced": lambda x: x.argmax()}
    agreement.check(case(providers=places), "offbook")  # integers are for the case to judge


def test_a_case_may_say_itself_what_agreement_is():
    def even(found, inputs):
        assert (found % 2 == 0).all(), f"odd, from {inputs[0][0]:.0f}"

    agreement.check(case(agree=even), "offbook")
    with pytest.raises(AssertionError, match="odd, from 1001"):
        agreement.check(case(agree=even, providers={"offbook": lambda x: x}), "offbook")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(bench, "CPU_BUDGET_S", 0.0)
    monkeypatch.setattr(paired, "BLOCK_S", 1e-6)


def later() -> float:
    return time.monotonic() + 3600


@pytest.mark.usefixtures("quick")
def test_a_run_writes_a_row_a_measurement_and_goes_on_where_it_stopped(tmp_path, capsys):
    out = tmp_path / "results" / "cpu.csv"
    cases = [case(), case(shape="large", notes={"rows": "4"})]
    assert bench.run(cases[:1], "cpu", out, later()) == 0
    assert bench.run(cases, "cpu", out, later()) == 0
    assert "1 measurements are missing" in capsys.readouterr().out
    first, second = rows.load(out)
    assert (first.shape, second.shape, second.notes) == ("small", "large", "rows 4")
    assert (first.provider, first.against, first.mode, first.status) == ("offbook", "replaced", "paired", "ok")
    assert first.low <= first.ratio <= first.high
    assert first.samples == paired.FEWEST
    assert first.threads == torch.get_num_threads()
    assert first.torch == torch.__version__
    assert all((first.device, first.commit, first.command, first.at, first.triton))


@pytest.mark.usefixtures("quick")
def test_what_is_wrong_is_not_timed(tmp_path):
    out, right = tmp_path / "cpu.csv", {"offbook": lambda x: x * 2, "replaced": lambda x: x + x}
    others = {"faster": lambda x: x, "broken": lambda x: x.missing}
    assert bench.run([case(providers=right | others)], "cpu", out, later()) == 0
    told = {row.against: row for row in rows.load(out)}
    assert told["replaced"].status == "ok"
    assert told["faster"].status.startswith("wrong: off by 0.5")
    assert told["broken"].status.startswith("failed: AttributeError")
    assert told["faster"].median_s is told["broken"].ratio is None
    assert bench.run([case(shape="other", providers=right | {"offbook": lambda x: x})], "cpu", out, later()) == 1
    assert rows.load(out)[-1].status.startswith("wrong: off by 0.5")


@pytest.mark.usefixtures("quick")
def test_nothing_is_begun_when_time_is_over(tmp_path, capsys):
    out = tmp_path / "cpu.csv"
    assert bench.run([case()], "cpu", out, time.monotonic()) == 0
    assert not out.exists()
    told = capsys.readouterr().out
    assert "1 measurements are left; the same command goes on with" in told
    assert "  double, small, float32: offbook paired replaced\n" in told


def test_a_gpu_times_every_provider_eagerly_and_in_a_graph_where_that_can_be():
    assert bench.steps(case(), "cuda") == [
        ("offbook", "eager", ""),
        ("offbook", "graph", ""),
        ("replaced", "eager", ""),
        ("replaced", "graph", ""),
    ]
    assert bench.steps(case(graph=False), "cuda") == [("offbook", "eager", ""), ("replaced", "eager", "")]


@pytest.mark.parametrize(("name", "value"), [("OFFBOOK_KERNELS", "reference"), ("TRITON_INTERPRET", "1")])
def test_only_what_runs_unasked_is_timed(monkeypatch, name, value):
    for each in ("OFFBOOK_KERNELS", "TRITON_INTERPRET"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"expected {name} unset, got {value}"):
        bench.main(["--device", "cpu"])


def row(**changes) -> rows.Row:
    told = {
        "op": "double",
        "shape": "small",
        "dtype": "bfloat16",
        "provider": "offbook",
        "mode": "eager",
        "status": "ok",
    }
    where = {
        "device": "H200",
        "torch": "2.11",
        "triton": "3.6",
        "threads": 1,
        "load": 0.5,
        "commit": "0123456789abcdef+",
    }
    return rows.Row(**{**told, **where, "bytes": 1e9, "flops": 1e9, **changes})


def test_the_table_tells_the_newest_measurement_of_each_thing():
    timed = {"median_s": 2e-5, "p20_s": 1.9e-5, "p80_s": 2.2e-5, "floor_share": 0.61, "peak_bytes": 2**20}
    text = table.markdown(
        [
            row(op="ceiling", shape="copy", dtype="uint8", provider="torch", median_s=1e-3, bytes=4.3e9, flops=0.0),
            row(op="ceiling", shape="product of matrices", provider="torch", median_s=2e-3, bytes=0.0, flops=1.56e12),
            row(median_s=5.0),
            row(**timed),
            row(**timed | {"mode": "graph", "median_s": 9e-6, "p20_s": 8e-6, "p80_s": 1.1e-5, "floor_share": 0.9}),
            row(provider="torch.compile", status="failed: RuntimeError: no"),
            row(device="EPYC", mode="paired", against="replaced", ratio=0.98, low=0.95, high=1.01, median_s=1e-3),
            row(device="EPYC", mode="paired", against="older", ratio=1.2, low=1.1, high=1.3, median_s=1e-3),
        ]
    )
    assert "## H200, torch 2.11, Triton 3.6" in text
    assert "- copy, uint8: 4.30 TB/s" in text
    assert "- product of matrices, bfloat16: 780 TFLOP/s" in text
    assert "| double | small | bfloat16 | offbook | 20.0 µs | 9.0 µs | 8.0 µs to 11.0 µs | 90% | 1.0 MiB |" in text
    assert "| double | small | bfloat16 | torch.compile | failed: RuntimeError: no |  |  |  |  |" in text
    assert "| double | small | bfloat16 | replaced | 0.980 | [0.950, 1.010] | 1.00 ms |" in text
    assert "| double | small | bfloat16 | older | 1.200 | [1.100, 1.300] slower | 1.00 ms |" in text
    assert "Commits: `0123456789ab+`." in text
    assert "5000" not in text


def said_and_places(text: str) -> tuple[list[str], list[float]]:
    """What the marks of a picture tell, and where the round ones of cases lie across."""
    marks = list(ElementTree.fromstring(text).iter(f"{SVG}g"))
    said = [mark.findtext(f"{SVG}title", "") for mark in marks]
    return said, [float(circle.get("cx", "")) for mark in marks for circle in mark.iter(f"{SVG}circle")]


def test_the_picture_marks_the_newest_measurement_of_every_provider_and_the_floor():
    eager = {"median_s": 2e-5, "p20_s": 1.9e-5, "p80_s": 2.2e-5, "floor_share": 0.405}
    graph = {"mode": "graph", "median_s": 9e-6, "p20_s": 8e-6, "p80_s": 1.1e-5, "floor_share": 0.9}
    slow = {"provider": "<slow>", "median_s": 4e-5, "p20_s": 3.9e-5, "p80_s": 4.2e-5, "floor_share": 0.2025}
    ratio = {"device": "EPYC", "mode": "paired", "against": "replaced", "ratio": 0.98, "low": 0.95, "high": 1.01}
    said, places = said_and_places(
        plot.picture(
            [
                row(op="ceiling", shape="copy", provider="torch", median_s=1e-3, p20_s=1e-3, p80_s=1e-3),
                row(**eager | {"median_s": 5.0, "p80_s": 5.0}),
                row(**eager),
                row(**slow),
                row(**graph),
                row(provider="broken", mode="graph", status="failed: RuntimeError: no"),
                row(**ratio),
            ]
        )
    )
    assert said == [
        "double: small, bfloat16, offbook: 9.0 µs, 8.0 µs to 11.0 µs",
        "double: small, bfloat16, floor: 8.1 µs, 8.1 µs to 8.1 µs",
        "double: small, bfloat16, <slow>: 40.0 µs, 39.0 µs to 42.0 µs",
        "double: small, bfloat16, over replaced: 0.98, 0.95 to 1.01",
    ]
    ours, slower, ratio_of_one = places
    assert plot.LEFT < ours < slower < plot.RIGHT
    assert plot.LEFT < ratio_of_one < plot.RIGHT


def test_a_picture_of_nothing_is_empty():
    assert said_and_places(plot.picture([])) == ([], [])


@pytest.mark.parametrize(("low", "high", "ticks"), [(0.95, 1.01, [0.5, 1, 2]), (1, 1, [1, 2]), (2e-3, 7, [1e-3, 1e1])])
def test_a_scale_begins_and_ends_with_round_numbers(low, high, ticks):
    found = plot._ticks(low, high)
    assert (found[0], found[-1]) == (pytest.approx(ticks[0]), pytest.approx(ticks[-1]))
    assert found == sorted(found)


def test_the_table_is_written_with_its_picture_beside_it(tmp_path):
    out, page = tmp_path / "cpu.csv", tmp_path / "cpu.md"
    rows.append(out, row(device="EPYC", mode="paired", against="replaced", ratio=0.98, low=0.95, high=1.01))
    assert bench.main(["--device", "cpu", "--out", str(out), "--table", str(page)]) == 0
    assert "![The same as a picture](cpu.svg)" in page.read_text(encoding="utf-8")
    said, _ = said_and_places((tmp_path / "cpu.svg").read_text(encoding="utf-8"))
    assert said == ["double: small, bfloat16, over replaced: 0.98, 0.95 to 1.01"]
