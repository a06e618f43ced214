"""ℓ(θ0), the table of the untouched student's losses from which MetaNet starts, taken in the training's own precision.

It takes one forward a question and depends on neither seed nor most settings, so trainings of one base model and
corpus may share it (`Job.cache`).

Legend: N questions, K perspectives.
"""

import hashlib
import json
import time
from collections.abc import Sequence

import torch
from accelerate import Accelerator
from transformers import PreTrainedModel

from offbook.engine.students.branches import branch_attention
from offbook.engine.students.distiller import Job
from offbook.engine.students.paths import Paths
from offbook.engine.students.precision import precision_of
from offbook.engine.students.processes import accelerator_for, bring_together, from_main, share
from offbook.engine.students.tables import Table, read_table, write_table
from offbook.methods.mind.losses import Learnability, measure
from offbook.methods.mind.options import MindOptions

REPORT_EVERY = 8


def untouched_table(job: Job, paths: Sequence[Paths], names: Sequence[str], options: MindOptions) -> Table:
    """ℓ(θ0) (N, K) of these paths, made or, where an earlier training left it, read; NaN where a path is missing.

    Args:
        job: its student, untouched so far; the table lies in its cache folder, or with its state where it has none.
        paths: the questions, encoded.
        names: of the K perspectives.
        options: say what is measured.
    """
    precision = precision_of(job.folder, job.config.mixed_precision, job.student.device)
    how = [precision, job.config.max_length, list(names), options.learnability, options.tagged]
    key = hashlib.sha256(json.dumps([dict(job.identity), *how], sort_keys=True).encode()).hexdigest()
    file = (job.cache or job.folder / "state") / f"untouched-losses-{key[:32]}.safetensors"
    with accelerator_for(job.student, precision) as accelerator:
        main = accelerator.is_main_process  # the others do as it found
        made: Table | None = from_main(read_table(file, (len(paths), len(names))) if main else None)
        if made is None:
            clock = time.perf_counter()
            losses_NK = untouched_losses(job, paths, options.learnability, accelerator)
            made = Table(losses_NK, time.perf_counter() - clock)
            if main:
                write_table(file, made)
    return made


def untouched_losses(job: Job, paths: Sequence[Paths], of: Learnability, accelerator: Accelerator) -> torch.Tensor:
    """ℓ(θ0) (N, K), taken anew, every process its share of the questions."""
    student: PreTrainedModel = job.student.eval()
    found: list[tuple[int, torch.Tensor]] = []
    with branch_attention(student), accelerator.autocast():
        for n, question in share(accelerator, list(paths)):
            if accelerator.is_main_process and len(found) % REPORT_EVERY == 0:
                message = f"mind: losses of the untouched student {n}/{len(paths)} questions"
                job.report(0, job.config.gradient_tokens, message)
            losses_K = torch.full((len(question.responses),), torch.nan)
            losses_K[question.present()] = measure(student, question, question.present(), of).float().cpu()
            found.append((n, losses_K))
    return torch.stack(bring_together(found))
