import dataclasses
import json
import types

import pytest
import torch

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.artifacts import drafters
from offbook.harness.certificates.certify import _decoder_certificate
from offbook.harness.certificates.margin_probe import Probe
from offbook.harness.certificates.sampling import seeded_certificate
from offbook.harness.records import journal
from offbook.harness.records.certificate import Certificate
from offbook.harness.records.drafter import DrafterId
from offbook.harness.records.origin import Origin
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole as whole_store
from offbook.harness.roster import drafter_info
from offbook.harness.roster.arms import Arm, build_arm, build_arms
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.requests import ask
from offbook.harness.suites.scoring import main_metric, score
from offbook.harness.suites.suite import find_suites, suite_names
from offbook.harness.tables.decoders import losslessness, write_leaderboard
from offbook.harness.trials.decoding import conditions, document_seed
from offbook.harness.trials.heat import is_done, plan_heat, run_heat
from offbook.tasks.prompts import CATEGORIES
from tests.tiny import save_tiny

LOSSLESS = Certificate(kind="sampling_distribution", verdict="lossless")
NAMES = ["autoregressive", "prompt_lookup", "hf_generate", "hf_prompt_lookup"]


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("heat") / "tiny")), device="cpu")


@pytest.fixture(scope="module")
def qa():
    (suite,) = find_suites(["qa"])
    return suite


def plan(target, suite, arms=None, *, limit=3, max_new_tokens=12, temperature=0.0, seed=0):
    return plan_heat(
        target,
        arms or build_arms(target, NAMES),
        suite,
        seed=seed,
        sampling=Sampling(temperature=temperature),
        limit=limit,
        max_new_tokens=max_new_tokens,
    )


class Spy:
    """A decoder that writes down who was asked what, then lets the real one answer."""

    def __init__(self, name, decoder, log):
        self.name, self.decoder, self.log = name, decoder, log

    def generate(self, prompt_1P, *, sampling, limits, generator, on_commit=None):
        self.log.append((self.name, tuple(prompt_1P[0].tolist()), limits.max_new_tokens, generator.initial_seed()))
        return self.decoder.generate(
            prompt_1P, sampling=sampling, limits=limits, generator=generator, on_commit=on_commit
        )


class Ready(Spy):
    """One that also writes down what it is to be ready for."""

    def make_ready(self, *, sampling, rows):
        self.log.append((self.name, "ready", sampling.temperature, rows))


class Liar:
    """A decoder that changes one token of its answer."""

    def __init__(self, decoder):
        self.decoder = decoder

    def generate(self, prompt_1P, **settings):
        generation = self.decoder.generate(prompt_1P, **settings)
        wrong = (generation.tokens[-1] + 1) % 200
        return dataclasses.replace(generation, tokens=(*generation.tokens[:-1], wrong))


class Ranked:
    """A decoder whose last token is another than the target's best: its second best, its third best ..."""

    def __init__(self, decoder, backbone, rank):
        self.decoder, self.backbone, self.rank = decoder, backbone, rank

    def generate(self, prompt_1P, **settings):
        generation = self.decoder.generate(prompt_1P, **settings)
        tokens = [*prompt_1P[0].tolist(), *generation.tokens[:-1]]
        ranking = native_logits(self.backbone, tokens).argsort(descending=True, stable=True)
        return dataclasses.replace(generation, tokens=(*generation.tokens[:-1], int(ranking[self.rank])))


def native_logits(backbone, tokens):
    """The target's logits behind `tokens`, (V,), by transformers' own attention."""
    backbone.use_native_attention()
    try:
        with torch.inference_mode():
            return backbone.model(torch.tensor([tokens])).logits[0, -1]
    finally:
        backbone.use_tree_attention()


def test_suites_are_found_with_and_without_prefix_and_as_a_group():
    assert [s.name for s in find_suites(["qa", "offbook_maths"])] == ["offbook_qa", "offbook_maths"]
    prompts = {s.name for s in find_suites(["prompts"])}
    assert prompts == {f"offbook_{name}" for name in CATEGORIES} <= {f"offbook_{name}" for name in suite_names()}


def test_requests_are_rendered_once_and_identify_their_documents(target, qa):
    asked, again = ask(qa, target, limit=2), ask(qa, target, limit=2)
    assert asked == dataclasses.replace(again, suite=asked.suite)
    assert [r.doc_id for r in asked.requests] == [0, 1]
    assert asked.requests[0].prompt.startswith("<|im_start|>user\n")
    assert asked.requests[0].prompt.endswith("<|im_start|>assistant\n")
    assert ask(qa, target, limit=1, chat_template=False).requests[0].prompt in asked.requests[0].prompt


def test_lm_eval_scores_each_document_of_each_suite(target):
    for suite in find_suites(["prompts"]):
        asked = ask(suite, target, limit=2)
        scores = score(asked, target, {0: "", 1: "I do not know."})
        assert scores.keys() == {0, 1}
        assert main_metric(scores, suite.name) in scores[0]


def test_an_answer_for_every_document_is_asked_for(target, qa):
    with pytest.raises(ValueError, match="expected answers to 2 documents, got 1"):
        score(ask(qa, target, limit=2), target, {0: "a"})


def test_a_heat_commits_one_cell_an_arm_over_the_same_documents(target, qa, tmp_path):
    store = Store(tmp_path)
    records = run_heat(plan(target, qa), store)
    assert {r.spec.decoder for r in records} == set(NAMES)
    assert len({r.heat_id for r in records}) == 1
    rows = {r.spec.decoder: store.rows(r) for r in records}
    for documents in zip(*rows.values(), strict=True):
        assert len({d.doc_hash for d in documents}) == 1
        assert len({d.tokens for d in documents}) == 1
        assert len({d.prompt_tokens for d in documents}) == 1
    verdicts = {r.spec.decoder: r.certificate.verdict for r in records}
    assert verdicts == {"autoregressive": "baseline"} | dict.fromkeys(NAMES[1:], "lossless")
    assert len(whole_store(store).cells) == len(NAMES)
    table = write_leaderboard(store, tmp_path)
    assert table.loc[table["decoder"] == "autoregressive", "speedup"].eq(1.0).all()


def test_the_manifest_is_of_the_start_and_the_load_of_both_ends(target, qa, tmp_path, monkeypatch):
    events = []

    def happened(name, value):
        events.append(name)
        return value

    loads = iter([[0.1, 0.2, 0.3], [1.1, 1.2, 1.3]])
    monkeypatch.setattr(
        "offbook.harness.trials.unscored.process_manifest", lambda: happened("manifest", {"git": {"commit": "then"}})
    )
    for room in ("heat_answers", "unscored"):
        monkeypatch.setattr(f"offbook.harness.trials.{room}.load_average", lambda: happened("load", next(loads)))
    plain, *_ = build_arms(target, NAMES[:1])
    spied = dataclasses.replace(plain, decoder=Spy(plain.name, plain.decoder, events))
    (record,) = run_heat(plan(target, qa, [spied], limit=1), Store(tmp_path))
    assert events[:2] == ["manifest", "load"]
    assert events[-1] == "load"
    assert len(events) == 6, "the manifest once, a load at either end, the answer and its two beginnings between them"
    assert record.manifest["git"] == {"commit": "then"}
    assert (record.manifest["heat"]["parameters"], record.manifest["heat"]["batch"]) == (target.parameters, 1)
    assert record.manifest["heat"]["load_average"] == {"start": [0.1, 0.2, 0.3], "end": [1.1, 1.2, 1.3]}


def test_manifests_say_where_rounds_were_captured(target, monkeypatch):
    assert "captured" not in conditions(target)
    monkeypatch.setattr("offbook.harness.trials.decoding.captures", lambda _: True)
    assert conditions(target)["captured"] is True


def test_decoders_are_made_ready_for_the_longest_document_before_they_are_asked(target, qa, tmp_path, monkeypatch):
    monkeypatch.setattr("offbook.harness.certificates.certify._decoder_certificate", lambda *_: LOSSLESS)
    log: list = []
    arms = [dataclasses.replace(arm, decoder=Ready(arm.name, arm.decoder, log)) for arm in build_arms(target, NAMES)]
    heat = plan(target, qa, arms, temperature=1.0)
    run_heat(heat, Store(tmp_path))
    told = [(name, *what) for name, *what in log if what[0] == "ready"]
    prompts = [what[0] for name, *what in log if what[0] != "ready"]
    assert sorted(told) == sorted((name, "ready", 1.0, max(map(len, prompts)) + 12) for name in NAMES)
    for name in NAMES:
        assert next(what[0] for who, *what in log if who == name) == "ready", "before its first answer"


def test_a_heat_in_the_store_is_not_run_again(target, qa, tmp_path):
    store, log = Store(tmp_path), []
    arms = [dataclasses.replace(arm, decoder=Spy(arm.name, arm.decoder, log)) for arm in build_arms(target, NAMES)]
    first = run_heat(plan(target, qa, arms), store)
    calls = len(log)
    assert run_heat(plan(target, qa, arms), store) == first
    assert len(log) == calls
    assert is_done(plan(target, qa), store)
    assert not is_done(plan(target, qa, max_new_tokens=11), store)


@pytest.mark.parametrize("trial", ["", "ab" * 32])
def test_no_heat_takes_cells_from_one_whose_arms_have_other_settings(target, qa, tmp_path, trial):
    store = Store(tmp_path)
    run_heat(dataclasses.replace(plan(target, qa, build_arms(target, NAMES), limit=1), trial=trial), store)
    before = [record.key for record in store.records()]
    other = build_arms(target, NAMES, options={"prompt_lookup": {"num_tokens": 2}})
    with pytest.raises(ValueError, match="some with other settings or none; speeds compare inside one heat only"):
        run_heat(plan(target, qa, other, limit=1), store)
    assert [record.key for record in store.records()] == before


def test_arms_take_turns_on_each_document_after_an_uncounted_warm_up(target, qa, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "offbook.harness.certificates.certify._decoder_certificate", lambda *_: LOSSLESS
    )  # spies are in no loop
    log: list = []
    arms = [dataclasses.replace(arm, decoder=Spy(arm.name, arm.decoder, log)) for arm in build_arms(target, NAMES)]
    heat = plan(target, qa, arms, temperature=1.0)
    run_heat(heat, Store(tmp_path))
    warm_up, counted, again = log[: len(NAMES)], log[len(NAMES) : -len(NAMES)], log[-len(NAMES) :]
    assert sorted(name for name, *_ in warm_up) == sorted(NAMES)
    assert {cap for _, _, cap, _ in warm_up} == {8}
    assert again == warm_up, "the first document is begun once more behind the last one"
    turns = [counted[i : i + len(NAMES)] for i in range(0, len(counted), len(NAMES))]
    assert len(turns) == 3
    for turn in turns:
        assert sorted(name for name, *_ in turn) == sorted(NAMES)
        assert len({prompt for _, prompt, _, _ in turn}) == 1
    assert len({turn[0][0] for turn in turns}) == 3, "another arm begins on each document"
    seeds = {(name, prompt): seed for name, prompt, _, seed in counted}
    assert len(seeds) == 12
    assert len(set(seeds.values())) == 3, "all arms draw a document from one seed"
    assert set(seeds.values()) == {document_seed(0, "offbook_qa", doc_id) for doc_id in range(3)}


def test_contenders_of_our_loop_say_the_same_text_at_any_temperature(target, qa, tmp_path):
    names = ["autoregressive", "prompt_lookup", "suffix", "token_recycling"]
    store = Store(tmp_path)
    records = run_heat(plan(target, qa, build_arms(target, names), temperature=1.0), store)
    texts = {record.spec.decoder: [row.tokens for row in store.rows(record)] for record in records}
    assert texts.keys() == {*names}
    assert all(said == texts["autoregressive"] for said in texts.values())
    for record in records:
        certificate = record.certificate
        if record.spec.decoder != "autoregressive":
            assert (certificate.kind, certificate.verdict, certificate.identical) == (
                "sampling_distribution",
                "lossless",
                3,
            )
            assert losslessness([certificate]).endswith(", identical 3/3")


def test_a_sampled_answer_that_parts_from_the_baselines_is_a_defect(target, qa, tmp_path):
    store, sampling = Store(tmp_path), Sampling(temperature=1.0)
    (record,) = run_heat(plan(target, qa, build_arms(target, ["autoregressive"]), temperature=1.0), store)
    rows = store.rows(record)
    prompts = {row.doc_id: [i % 50 for i in range(row.prompt_tokens)] for row in rows}
    told = [row.model_copy(update={"tokens": tuple(row.tokens)}) for row in rows]
    other = (told[1].tokens[4] + 1) % 50
    told[1] = told[1].model_copy(update={"tokens": (*told[1].tokens[:4], other, *told[1].tokens[5:])})
    probe = Probe(target.backbone, native=False)

    def probe_of(doc_id):
        generator = target.generator(document_seed(0, "offbook_qa", doc_id))
        return lambda tokens, position: probe.race(tokens, position, sampling, generator)

    law = Certificate(kind="sampling_distribution", verdict="lossless", n=7)
    certificate = seeded_certificate(law, rows, told, probe_of, prompts=prompts)
    assert (certificate.verdict, certificate.identical, certificate.unexplained, certificate.n) == ("differs", 2, 1, 7)
    assert losslessness([certificate]).startswith("DIFFERS: TV")
    assert seeded_certificate(law, rows, rows, probe_of, prompts=prompts).verdict == "lossless"


@pytest.mark.parametrize("sampling", [Sampling(temperature=0.8), Sampling(temperature=1.5, top_k=6)], ids=str)
def test_the_probe_of_a_race_finds_the_token_that_was_drawn(target, sampling):
    prompt = list(range(9))
    (arm,) = build_arms(target, ["autoregressive"])
    generation = arm.decoder.generate(
        torch.tensor([prompt]), sampling=sampling, limits=Limits(max_new_tokens=6), generator=target.generator(5)
    )
    for position, token in enumerate(generation.tokens):
        before = [*prompt, *generation.tokens[:position]]
        probed = Probe(target.backbone, native=True).race(before, position, sampling, target.generator(5))
        assert probed.tokens[0] == token
        assert probed.margin > 0


def test_the_same_heat_gives_the_same_tokens(target, qa, tmp_path):
    tokens = []
    for name in ("a", "b"):
        store = Store(tmp_path / name)
        records = run_heat(plan(target, qa, temperature=1.0), store)
        tokens.append({r.spec.decoder: [row.tokens for row in store.rows(r)] for r in records})
    assert tokens[0] == tokens[1]


def test_sampling_is_certified_for_every_contender(target, qa, tmp_path):
    records = run_heat(plan(target, qa, limit=1, temperature=1.0), Store(tmp_path))
    certificates = {r.spec.decoder: r.certificate for r in records}
    assert {name: c.verdict for name, c in certificates.items()} == {
        "autoregressive": "baseline",
        "prompt_lookup": "lossless",
        "hf_generate": "lossless",
        "hf_prompt_lookup": "lossless",
    }
    assert {c.kind for name, c in certificates.items() if name != "autoregressive"} == {"sampling_distribution"}
    assert certificates["hf_generate"] != certificates["hf_prompt_lookup"]
    assert all(0 < certificates[name].tv < certificates[name].tv_bound for name in NAMES[1:])


def test_a_contender_is_certified_with_its_own_options(target, qa, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "offbook.harness.certificates.certify._decoder_certificate",
        lambda *arguments: asked.append(arguments) or LOSSLESS,
    )
    options = {"hf_prompt_lookup": {"prompt_lookup_num_tokens": 2}}
    arms = build_arms(target, ["autoregressive", "hf_prompt_lookup"], options=options)
    run_heat(plan(target, qa, arms, limit=1, temperature=0.7), Store(tmp_path))
    ((name, settings, variant, sampling),) = asked
    assert (name, json.loads(settings), variant) == ("hf_prompt_lookup", arms[1].options, "{}")
    assert sampling == Sampling(temperature=0.7)


def test_the_options_reach_the_contender_that_is_certified():
    for tokens, verdict in ((0, None), (1, "lossless")):
        options = json.dumps({"prompt_lookup_num_tokens": tokens})
        found = _decoder_certificate("hf_prompt_lookup", options, "{}", Sampling(temperature=1.0))
        assert (None if found is None else found.verdict) == verdict


def test_trained_drafters_take_part(target, qa, tmp_path):
    from offbook.engine.drafters.answers import Answer
    from offbook.engine.drafters.config import TrainingConfig

    answers = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
    config = TrainingConfig(epochs=1, batch_size=4, draft_vocab_size=64, max_length=32)
    folders = {}
    for name in ("medusa", "eagle2", "eagle3", "jakiro", "jakiro_decoupled", "ngram_table"):
        folders[name] = drafters.drafter_folder(tmp_path, contender(name), target, answers, config)
        drafters.train(contender(name), target, answers, config, folders[name])
    assert len({folders[name] for name in ("eagle2", "eagle3", "jakiro", "jakiro_decoupled")}) == 4
    folders["lookup_else_eagle2"] = folders["eagle"] = folders["eagle2"]
    arms = build_arms(target, ["autoregressive", *folders], drafter_folders=folders)
    records = run_heat(plan(target, qa, arms, limit=2), Store(tmp_path))
    for record in records[1:]:
        assert record.certificate.verdict == "lossless"
        assert record.drafter is not None
        assert record.drafter.parameters > 100
        assert record.drafter.training_tokens == sum(len(a.answer_tokens) for a in answers)
        assert record.spec.drafter == DrafterId(sha256=drafter_info.fingerprint(folders[record.spec.decoder]))


def test_whose_code_a_contender_is_stands_in_its_cell_and_no_other(target, qa):
    module = types.ModuleType("their_decoder")
    exec("def build(target, options, folder): return ours.build(target, ours.options(), None)", vars(module))
    vars(module)["ours"] = contender("prompt_lookup")
    theirs = build_arm(target, dataclasses.replace(contender("prompt_lookup"), name="theirs", build=module.build))
    heat = plan(target, qa, [*build_arms(target, ["autoregressive"]), theirs], limit=1)
    told = {name: spec.made_by for name, spec in heat.cells.items()}
    assert told == {"autoregressive": None, "theirs": Origin(distribution="their_decoder")}


def test_a_decoder_that_changes_a_token_is_caught(target, qa, tmp_path):
    plain, other = build_arms(target, ["autoregressive", "prompt_lookup"])
    liar = dataclasses.replace(other, decoder=Liar(other.decoder))
    records = run_heat(plan(target, qa, [plain, liar]), Store(tmp_path))
    certificate = {r.spec.decoder: r.certificate for r in records}["prompt_lookup"]
    assert (certificate.verdict, certificate.unexplained) == ("differs", 3)
    assert all(d.margin > 2 * d.logit_difference for d in certificate.detail)


@pytest.mark.parametrize(("rank", "verdict"), [(1, "ties"), (2, "differs")])
def test_the_second_best_at_a_tie_is_excused_and_the_third_best_is_not(tmp_path, qa, rank, verdict):
    twins = load_target(str(save_tiny(tmp_path / "tiny")), device="cpu")
    with torch.no_grad():
        twins.backbone.head_VH[1::2] = twins.backbone.head_VH[::2]  # whatever is best has an equal
    plain, other = build_arms(twins, ["autoregressive", "prompt_lookup"])
    ranked = dataclasses.replace(other, decoder=Ranked(other.decoder, twins.backbone, rank))
    records = run_heat(plan(twins, qa, [plain, ranked]), Store(tmp_path))
    certificate = {r.spec.decoder: r.certificate for r in records}["prompt_lookup"]
    assert (certificate.verdict, len(certificate.detail)) == (verdict, 3)
    assert all(d.margin <= 2 * d.logit_difference for d in certificate.detail), "near ties, all of them"


def test_the_probe_measures_the_targets_own_margin(target):
    tokens = list(range(40))
    probed = Probe(target.backbone, native=True)(tokens, 12)
    top = native_logits(target.backbone, tokens).topk(2)
    assert list(probed.tokens) == top.indices.tolist()
    assert probed.margin == pytest.approx(float(top.values[0] - top.values[1]), abs=1e-4)
    assert 0 <= probed.logit_difference < 1e-4
    assert Probe(target.backbone, native=False)([7], 0).margin > 0


def test_transformers_own_attention_excuses_nobody_in_our_loop(target):
    model, native = target.backbone.model, target.backbone._native_attention

    def astray(module, args, output):
        if model.config._attn_implementation == native:
            output.logits *= 1.1

    tokens, hook = list(range(40)), model.register_forward_hook(astray)
    try:
        ours, theirs = (Probe(target.backbone, native=native)(tokens, 12) for native in (False, True))
    finally:
        hook.remove()
    assert ours == Probe(target.backbone, native=False)(tokens, 12)
    assert theirs[:2] == ours[:2]
    assert theirs.logit_difference > 1e-2 > 1e-4 > ours.logit_difference


def test_only_contenders_that_use_transformers_own_attention_are_probed_with_it(target, qa, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("offbook.harness.certificates.certify.Probe", lambda backbone, *, native: asked.append(native))
    run_heat(plan(target, qa, limit=1), Store(tmp_path))
    assert dict(zip(NAMES[1:], asked, strict=True)) == {
        "prompt_lookup": False,
        "hf_generate": True,
        "hf_prompt_lookup": True,
    }


def test_a_heat_without_the_baseline_is_refused(target, qa):
    with pytest.raises(ValueError, match="expected autoregressive among the decoders, got prompt_lookup"):
        plan(target, qa, build_arms(target, ["prompt_lookup"]))


def test_a_prompt_beyond_the_context_names_its_document(target, qa):
    with pytest.raises(ValueError, match="suite 'offbook_qa', document 0: expected prompt plus new tokens within"):
        plan(target, qa, max_new_tokens=500)


def test_cells_of_two_heats_are_never_mixed(target, qa, tmp_path):
    store = Store(tmp_path)
    run_heat(plan(target, qa, build_arms(target, NAMES[:2])), store)
    run_heat(plan(target, qa), store)
    assert len(whole_store(store).cells) == len(NAMES)
    assert len({record.heat_id for record in store.records()}) == 1
    with pytest.raises(ValueError, match="expected a heat with the arms of the one that the store has"):
        run_heat(
            plan(
                target,
                qa,
                build_arms(
                    target,
                    [NAMES[0], "hf_prompt_lookup"],
                    options={"hf_prompt_lookup": {"prompt_lookup_num_tokens": 2}},
                ),
            ),
            store,
        )


def test_a_heat_that_is_interrupted_before_its_first_answer_leaves_nothing(target, qa, tmp_path):
    class Interrupted:
        def generate(self, prompt_1P, *, limits: Limits, **settings):
            raise KeyboardInterrupt

    arms = [*build_arms(target, NAMES[:1]), Arm(name="prompt_lookup", decoder=Interrupted(), options={})]
    with pytest.raises(KeyboardInterrupt):
        run_heat(plan(target, qa, arms), Store(tmp_path))
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("survived", range(5))
def test_a_commit_that_was_killed_halfway_is_finished_by_the_next_process(target, qa, tmp_path, monkeypatch, survived):
    """Each of its files, two records and their rows, is the last that the killed process writes."""
    arms = build_arms(target, NAMES[:2])
    store, heat, written = Store(tmp_path), plan(target, qa, arms, limit=1), []

    def write(path, data):
        if len(written) == survived:
            raise KeyboardInterrupt
        written.append(path)
        return original(path, data)

    original = journal.write_once
    with monkeypatch.context() as patch:
        patch.setattr(journal, "write_once", write)
        if survived < 4:
            with pytest.raises(KeyboardInterrupt):
                run_heat(heat, store)
            assert store.records() == [], "without their lines of the ledger they do not count"
        else:
            run_heat(heat, store)
    assert is_done(heat, store)
    assert len(store.records()) == 2
    assert len({r.heat_id for r in store.records()}) == 1
    store.recover()
    assert len(whole_store(store).cells) == 2


def test_a_heat_that_lost_a_record_is_run_again_as_a_whole(target, qa, tmp_path):
    store, heat = Store(tmp_path), plan(target, qa, limit=1)
    first = run_heat(heat, store)
    next((tmp_path / "records").glob("*prompt-lookup*")).unlink()
    assert not is_done(heat, store)
    second = run_heat(heat, store)
    assert [r.key for r in second] == [r.key for r in first]
    assert {r.heat_id for r in second} != {r.heat_id for r in first}, "speeds compare inside of one heat only"
    assert len(whole_store(store).cells) == len(NAMES)
