"""Builders of specifications, rows and records, shared by the tests of this room."""

import datetime
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offbook.engine.decoding.decoder import Decoder
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates import certify
from offbook.harness.certificates import sampling as certificates
from offbook.harness.records.cell import Cell, CellRecord, CellSpec, LimitsSpec
from offbook.harness.records.certificate import BASELINE, Certificate
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.roster.target import Target
from tests.tiny import save_tiny

START = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
LOSSLESS = Certificate(kind="greedy_identity", verdict="lossless", n=2, identical=2)
MANIFEST: dict[str, Any] = {"cpu": "Toy | CPU", "cores": 4, "platform": "Linux", "packages": {"torch": "2"}}


def spec(**changes: Any) -> CellSpec:
    fields: dict[str, Any] = {
        "model": "toy",
        "weights_sha256": "ab" * 32,
        "decoder": "autoregressive",
        "decoder_config": {},
        "suite": "offbook_maths",
        "suite_fingerprint": "cd" * 32,
        "seed": 0,
        "temperature": 0.0,
        "limits": LimitsSpec(max_new_tokens=64, eos_token_ids=(2,), stop_strings=("\n\n",)),
        "dtype": "float32",
        "n_docs": 2,
        "chat_template": True,
    }
    return CellSpec(**(fields | changes))


def row(
    doc_id: int = 0, *, rounds: tuple[tuple[int, int, int, int], ...] = ((0, 0, 0, 1),), **changes: Any
) -> DocumentRow:
    count = 1 + sum(committed for *_, committed in rounds)
    fields: dict[str, Any] = {
        "doc_id": doc_id,
        "doc_hash": f"hash{doc_id}",
        "prompt_tokens": 3,
        "tokens": tuple(range(10, 10 + count)),
        "prefill_committed": 1,
        "text": "an answer",
        "finish_reason": "length",
        "rounds": rounds,
        "draft_forwards": 0,
        "prefill_s": 0.25,
        "decode_s": 1.0,
        "draft_s": 0.0,
        "target_s": 1.0,
        "peak_bytes": 2**20,
        "scores": {"acc": 1.0},
    }
    return DocumentRow(**(fields | changes))


def record(cell: CellSpec | None = None, **changes: Any) -> CellRecord:
    cell = cell or spec()
    fields: dict[str, Any] = {
        "key": cell.key(),
        "heat_id": "heat-1",
        "spec": cell,
        "certificate": BASELINE if cell.decoder == "autoregressive" else LOSSLESS,
        "manifest": MANIFEST,
        "metric": "acc",
        "started_utc": START,
        "finished_utc": START + datetime.timedelta(seconds=9),
        "wall_s": 9.0,
    }
    return CellRecord(**(fields | changes))


def heat(suite: str = "offbook_maths", heat_id: str = "heat-1", **changes: Any) -> list[Cell]:
    """Two decoders on two documents; the drafter commits 3 tokens a round at half the seconds per token."""
    plain = (row(0, rounds=((0, 0, 0, 1),) * 6), row(1, rounds=((0, 0, 0, 1),) * 3, scores={"acc": 0.0}))
    fast = (
        row(0, rounds=((4, 2, 2, 3),) * 2, decode_s=0.5, draft_forwards=4, draft_s=0.1, target_s=0.4),
        row(1, rounds=((4, 2, 1, 2), (4, 1, 0, 1)), decode_s=0.5, draft_forwards=4, draft_s=0.1, target_s=0.4),
    )
    fast = (fast[0], fast[1].model_copy(update={"scores": {"acc": 0.0}}))
    baseline = spec(suite=suite, **changes)
    drafter = spec(suite=suite, decoder="eagle2", drafter={"sha256": "ef" * 32}, **changes)
    return [
        Cell(record=record(baseline, heat_id=heat_id), rows=plain),
        Cell(
            record=record(drafter, heat_id=heat_id, drafter={"parameters": 1_200_000, "training_tokens": 5000}),
            rows=fast,
        ),
    ]


@pytest.fixture(autouse=True, scope="session")
def short_certificates() -> Iterator[None]:
    """Heats above temperature 0 are certified on a few draws; `certificates/` draws as many as a certificate needs."""

    def few(build: Callable[[Target], Decoder], *, sampling: Sampling, seed: int, layers: int) -> Certificate:
        with pytest.MonkeyPatch.context() as within:
            within.setattr(certificates, "check_settings", lambda *_: None)  # 1,000 take 15 seconds
            return certificates.decoder_certificate(build, sampling=sampling, seed=seed, n=50, layers=layers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certify, "decoder_certificate", few)
        patch.setattr(certify, "verifier_certificate", functools.partial(certify.verifier_certificate, n=2_000))
        yield


@pytest.fixture
def make_spec() -> Callable[..., CellSpec]:
    return spec


@pytest.fixture
def make_row() -> Callable[..., DocumentRow]:
    return row


@pytest.fixture
def make_record() -> Callable[..., CellRecord]:
    return record


@pytest.fixture
def make_heat() -> Callable[..., list[Cell]]:
    return heat


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny model in a folder, for commands that take one; never written to."""
    return str(save_tiny(tmp_path_factory.mktemp("models") / "tiny"))
