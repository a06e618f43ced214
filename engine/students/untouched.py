"""The untouched student's costs of all paths, taken in the training's own precision: what methods choose paths by.

It takes one forward a question, which gives every cost of `learnability.py` at once, and depends on neither method,
seed nor most settings, so trainings of one base model and corpus share it (`Job.cache`).

Legend: N questions, K perspectives, C costs, in the order of `LEARNABILITIES`.
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
from offbook.engine.students.learnability import LEARNABILITIES, Learnability, measure
from offbook.engine.students.paths import Paths
from offbook.engine.students.precision import precision_of
from offbook.engine.students.processes import accelerator_for, bring_together, from_main, share
from offbook.engine.students.tables import Table, read_table, write_table

REPORT_EVERY = 8
READ = ("model", "model_settings", "corpus")  # of a job's identity: whose costs of what; the rest changes none of them


def untouched_table(job: Job, paths: Sequence[Paths], names: Sequence[str], *, tagged: bool = False) -> Table:
    """The costs (N, K, C) of these paths, made or, where an earlier training left them, read; NaN where one is missing.

    Args:
        job: its student, untouched so far; the table lies in its cache folder, or with its state where it has none.
        paths: the questions, encoded.
        names: of the K perspectives.
        tagged: whether the responses open with their perspective's name.
    """
    precision = precision_of(job.folder, job.config.mixed_precision, job.student.device)
    identity = {name: job.identity[name] for name in READ if name in job.identity}
    how = [precision, job.config.max_length, list(names), LEARNABILITIES, tagged]
    key = hashlib.sha256(json.dumps([identity, *how], sort_keys=True).encode()).hexdigest()
    file = (job.cache or job.folder / "state") / f"untouched-costs-{key[:32]}.safetensors"
    with accelerator_for(job.student, precision) as accelerator:
        main = accelerator.is_main_process  # the others do as it found
        shape = (len(paths), len(names), len(LEARNABILITIES))
        made: Table | None = from_main(read_table(file, shape) if main else None)
        if made is None:
            clock = time.perf_counter()
            costs_NKC = untouched_costs(job, paths, accelerator)
            made = Table(costs_NKC, time.perf_counter() - clock)
            if main:
                write_table(file, made)
    return made


def untouched_costs(job: Job, paths: Sequence[Paths], accelerator: Accelerator) -> torch.Tensor:
    """The costs (N, K, C), taken anew, every process its share of the questions."""
    student: PreTrainedModel = job.student.eval()
    found: list[tuple[int, torch.Tensor]] = []
    with branch_attention(student), accelerator.autocast():
        for n, question in share(accelerator, list(paths)):
            if accelerator.is_main_process and len(found) % REPORT_EVERY == 0:
                message = f"costs of the untouched student {n}/{len(paths)} questions"
                job.report(0, job.config.gradient_tokens, message)
            present = question.present()
            costs_KC = torch.full((len(question.responses), len(LEARNABILITIES)), torch.nan)
            costs_KC[present] = measure(student, question, present, LEARNABILITIES).cpu()
            found.append((n, costs_KC))
    return torch.stack(bring_together(found))


def of_cost(costs_NKC: torch.Tensor, of: Learnability) -> torch.Tensor:
    """One cost of such a table, (N, K)."""
    return costs_NKC[..., LEARNABILITIES.index(of)]
