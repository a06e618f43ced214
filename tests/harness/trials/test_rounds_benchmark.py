"""The bench of whole rounds on a tiny model: what it times is right, pays for drafts, and accepts what was recorded."""

import json

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.drafter import levels_by_pass
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.roster.random_drafters import UNTRAINED
from offbook.harness.trials import rounds_benchmark, soft_models
from offbook.harness.trials.replayed_rounds import ReplayedWhole, recorded, replayed, rounds_of
from offbook.kernels import bench
from tests.engine.decoding.played import assert_the_same, made, say
from tests.tiny import tiny_model

ACCEPTED = (0, 2, 1, 4, 3, 1, 9)
VOCABULARY = 60
PROMPT = [3, 1, 4, 1, 5, 9]


@pytest.fixture(scope="module")
def backbone():
    model = tiny_model("llama", vocab_size=VOCABULARY, tie_word_embeddings=False, num_hidden_layers=4)
    return Backbone(soft_models.softly(model))


def drafter(backbone, name, accepted=ACCEPTED):
    said = UNTRAINED[name]
    return replayed(said.build(backbone), accepted, levels=said.levels, vocab_size=VOCABULARY)


def test_a_soft_model_says_the_last_token_again(backbone):
    never_right = drafter(backbone, "prompt_lookup", (0,))
    assert say(backbone, never_right, prompt=PROMPT, cap=9)[0].tokens == (9,) * 9


def test_what_is_said_of_a_drafter_is_so(backbone):
    for name, said in UNTRAINED.items():
        built = said.build(backbone)
        assert said.name == name
        assert said.levels == (sum(levels_by_pass(built)) or built.max_nodes - 1)


@pytest.mark.parametrize("name", UNTRAINED)
def test_rounds_accept_what_was_recorded_whoever_plays_them(backbone, name):
    plain, plays, rule = drafter(backbone, name), drafter(backbone, name), UNTRAINED[name].verifier
    verifier = None if rule is None else rule()(Sampling())
    expected = say(backbone, plain, prompt=PROMPT, cap=24, verifier=verifier)
    device = made(backbone, plays, Sampling(), exact=verifier is None)[0]
    found = say(backbone, plays, prompt=PROMPT, cap=24, verifier=verifier, device=device)
    assert found[0].tokens == (9,) * 24
    assert found[0].rounds == expected[0].rounds
    assert bool(found[0].times) != isinstance(plays, ReplayedWhole), "these were played whole, and no others"
    levels = UNTRAINED[name].levels
    assert rounds_of(ACCEPTED, levels=levels, prompt=len(PROMPT), tokens=24) == len(found[0].rounds)
    place, left = len(PROMPT), 23
    for one in found[0].rounds:
        assert one.accepted == min(ACCEPTED[place % len(ACCEPTED)], levels, left - 1)
        place, left = place + one.committed, left - one.committed


def test_drafts_are_paid_for(backbone):
    found = say(backbone, drafter(backbone, "eagle2"), prompt=PROMPT, cap=12)[0]
    assert found.draft_forwards >= 4 * len(found.rounds) - 4
    for name, passes in (("medusa", 1), ("speculative_sampling", 4)):
        found = say(backbone, drafter(backbone, name), prompt=PROMPT, cap=12)[0]
        assert passes * (len(found.rounds) - 1) <= found.draft_forwards <= passes * len(found.rounds)


def test_a_memory_that_is_used_again_changes_nothing(backbone):
    plays = drafter(backbone, "jakiro")
    make, given = made(backbone, plays, Sampling())

    def again(capacity):
        if not given:
            return make(64)
        given[0].cache.count_on_host(0)
        return given[0]

    answers = [say(backbone, plays, prompt=PROMPT, cap=24, device=again) for _ in range(2)]
    assert_the_same(*answers)


def test_recorded_rounds_are_of_the_leaderboard():
    found = recorded("eagle2")
    assert found == recorded("eagle2")
    assert len(found) == 512
    assert 0.2 < sum(found) / len(found) < 4
    assert recorded("nobody") == []


def test_only_the_untouched_model_at_temperature_0_counts(tmp_path):
    lines = ["decoder,student,suite,temperature,acceptance_histogram"]
    told = [("eagle2", "untouched", "all", "0.0", {0: 2, 3: 1}), ("eagle2", "mind", "all", "0.0", {5: 9})]
    told += [("eagle2", "untouched", "all", "1.0", {6: 9}), ("eagle2", "untouched", "chat", "0.0", {7: 9})]
    for *names, counts in told:
        quoted = json.dumps(counts).replace('"', '""')
        lines.append(",".join([*names, f'"{quoted}"']))
    path = tmp_path / "leaderboard.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert sorted(recorded("eagle2", path)) == [0, 0, 3]
    assert recorded("eagle2", tmp_path / "none.csv") == []


def test_bytes_of_a_step_are_those_of_its_linear_maps():
    sizes = soft_models.SHAPES["SmolLM2-135M"][1]
    hidden, inner, layers = sizes["hidden_size"], sizes["intermediate_size"], sizes["num_hidden_layers"]
    keys = hidden * sizes["num_key_value_heads"] // sizes["num_attention_heads"]
    layer = 2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * inner
    assert soft_models.bytes_of_a_step("SmolLM2-135M") == 2 * (layers * layer + hidden * sizes["vocab_size"])


@pytest.fixture
def tiny_shape(monkeypatch):
    """The bench's only model, of two layers."""
    kind, sizes = soft_models.SHAPES["SmolLM2-135M"]
    small = {"vocab_size": 90, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    small |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256}
    shapes = {"tiny": (kind, {**sizes, **small})}
    monkeypatch.setattr(soft_models, "SHAPES", shapes)
    for cached in (rounds_benchmark._soft, rounds_benchmark._soft_backbone):
        cached.cache_clear()
    return "tiny"


def test_every_case_is_right_by_every_provider(tiny_shape):
    found = [*rounds_benchmark.cases([tiny_shape], None, device="cpu", dtype=torch.float32)]
    names = ["autoregressive", *UNTRAINED]
    assert [case.shape.split(", ")[2] for case in found] == names
    for case in found:
        assert not case.graph
        assert ("replayed" in case.shape) == ("accepted" in case.notes) == ("autoregressive" not in case.shape)
        for name, provider in case.providers.items():
            inputs = case.inputs(0)
            assert case.agree is not None
            answer = provider(*inputs)
            case.agree(answer, inputs)
            with pytest.raises(AssertionError, match="the prompt's last token each time"):
                case.agree([*answer[:-1], 91], inputs)
            assert name in ("offbook", "replaced", "transformers generate")
    assert [len(case.providers) for case in found] == [3, *[2] * (len(found) - 1)]


@pytest.mark.slow
def test_rows_are_appended_to_those_of_the_operations(tiny_shape, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "CPU_BUDGET_S", 0.0)
    first = next(rounds_benchmark.cases([tiny_shape], None, device="cpu", dtype=torch.float32))
    first.providers.pop("transformers generate")
    out = tmp_path / "rows.csv"
    assert bench.run([first], "cpu", out, bench.time.monotonic() + 600) == 0
    (row,) = bench.load(out)
    assert (row.op, row.shape, row.status, row.against) == (
        "rounds",
        "tiny, random weights, autoregressive",
        "ok",
        "replaced",
    )


def test_without_a_gpu_it_says_so(capsys, monkeypatch):
    monkeypatch.setattr(rounds_benchmark.torch.cuda, "is_available", lambda: False)
    for name in ("OFFBOOK_KERNELS", "TRITON_INTERPRET"):
        monkeypatch.delenv(name, raising=False)
    for arguments, told in (([], "expected a CUDA device"), (["GPT-5"], "expected shapes among SmolLM2-135M")):
        with pytest.raises(SystemExit, match="2"):
            rounds_benchmark.main(arguments)
        assert told in capsys.readouterr().err
