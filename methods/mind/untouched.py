"""ℓ(θ0), the table of the untouched student's losses from which MetaNet starts, taken in the training's own precision.

It takes one forward a question and depends on neither seed nor most settings, so trainings of one base model and
corpus may share it (`Job.cache`).

Legend: N questions, K perspectives.
"""

import hashlib
import json
from collections.abc import Sequence

import torch
from safetensors.torch import load, save
from transformers import PreTrainedModel

from offbook.engine.files import atomic_write_bytes
from offbook.engine.training.branches import branch_attention
from offbook.engine.training.distiller import Job
from offbook.engine.training.paths import Paths
from offbook.methods.mind.losses import measure

REPORT_EVERY = 8


def untouched_table(job: Job, paths: Sequence[Paths], names: Sequence[str]) -> torch.Tensor:
    """ℓ(θ0) (N, K) of these paths, made or, where an earlier training left it, read; NaN where a path is missing.

    Args:
        job: its student, untouched so far; the table lies in its cache folder, or with its state where it has none.
        paths: the questions, encoded.
        names: of the K perspectives.
    """
    what = [dict(job.identity), job.config.mixed_precision, job.config.max_length, list(names)]
    key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    file = (job.cache or job.folder / "state") / f"untouched-{key[:32]}.safetensors"
    if not file.is_file():
        atomic_write_bytes(file, save({"losses_NK": untouched_losses(job, paths)}))
    return load(file.read_bytes())["losses_NK"]


@torch.no_grad()
def untouched_losses(job: Job, paths: Sequence[Paths]) -> torch.Tensor:
    """ℓ(θ0) (N, K), taken anew."""
    student: PreTrainedModel = job.student.eval()
    losses_NK = torch.full((len(paths), len(paths[0].responses)), torch.nan)
    precision = torch.autocast(student.device.type, torch.bfloat16, enabled=job.config.mixed_precision == "bf16")
    with branch_attention(student), precision:
        for n, question in enumerate(paths):
            if n % REPORT_EVERY == 0:
                message = f"mind: losses of the untouched student {n}/{len(paths)} questions"
                job.report(0, job.config.gradient_tokens, message)
            present = question.present()
            losses_NK[n, present] = measure(student, question, present).cpu()
    return losses_NK
