"""What decoding costs, counted: forwards, candidates, accepted and committed tokens of every decoder, to the digit."""

import pytest

from tests.gates.frozen import GATES


@pytest.mark.parametrize("name", GATES)
def test_decoding_counts_what_its_baseline_says(name, gate):
    gate(name, GATES[name].run)
