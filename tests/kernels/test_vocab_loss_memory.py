"""What the vocabulary's loss takes of a machine's memory, beside what it took the place of."""

import sys

import pytest

from offbook.kernels.vocab_loss.memory import in_processes_of_their_own, main

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from Linux's own accounts")


@LINUX
@pytest.mark.slow
def test_at_the_embedded_models_size_it_takes_an_eighth_at_most():
    found = in_processes_of_their_own(8_192, 576, 49_152)
    assert found["all logits"] > 2 * 4 * 8_192 * 49_152, "logits and their gradient at least"
    assert found["one pass"] > 4 * 576 * 49_152, "the head's gradient at least"
    assert found["all logits"] >= 8 * found["one pass"]


@LINUX
def test_the_measuring_command_says_what_each_way_takes(capsys):
    main(["--tokens", "600", "--hidden", "16", "--vocabulary", "4000", "--budget", "500000"])
    head, one_pass, all_logits, ratio = capsys.readouterr().out.splitlines()
    assert head == "600 tokens, hidden size 16, vocabulary 4000, float32, forward and backward"
    assert one_pass.split()[:2] == ["one", "pass:"]
    assert all_logits.split()[:2] == ["all", "logits:"]
    assert float(ratio.split()[1]) > 2
