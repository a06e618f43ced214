"""Where kernels run in tests: under the guard in a shuffled order of programs (slow: in theirs too), and on a GPU."""

from collections.abc import Iterator

import pytest
import torch

from offbook.kernels.implementation import interpreted
from tests.kernels.running import interpreted_under_guard, kernels_chosen

# The mode of torch that fills memory also warns of what is not deterministic.
NOT_DETERMINISTIC = "ignore:.*(does not have a deterministic implementation|is not deterministic because)"


@pytest.fixture(
    params=[
        pytest.param("forward", marks=pytest.mark.slow),  # what it finds, the other finds too
        "shuffle",
        pytest.param("cuda", marks=pytest.mark.gpu),
    ]
)
def kernel_device(request: pytest.FixtureRequest) -> Iterator[str]:
    """The device on which kernels run, "cpu" or "cuda"; meanwhile operations choose Triton by themselves."""
    if request.param == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device here")
        with kernels_chosen():
            yield "cuda"
    else:
        if not interpreted():
            pytest.skip("kernels run on the GPU here, and are not interpreted")
        with interpreted_under_guard(request.param):
            yield "cpu"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "kernel_device" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.filterwarnings(NOT_DETERMINISTIC))
