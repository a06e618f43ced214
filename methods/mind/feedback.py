"""What MetaNet makes of a student step: its costs, taken in a few questions at a time, and the rates that are watched.

A student step of many questions may be several steps of MetaNet (`meta_questions`), so that it makes hundreds where the
student makes dozens. Beside the MetaNet that chooses, others of the same start and other learning rates may follow the
same costs and choose nothing. L_meta is taken before each moves, so over a training its mean says which rate would have
followed this student best: `meta_rate` is tuned on MetaNet's own loss, without a look at any development question.

Legend: N questions, B of them in a student step, K perspectives, E width of a path vector.
"""

from collections.abc import Sequence

import torch

from offbook.methods.mind.calibration import MetaUpdater
from offbook.methods.mind.inertia import ItemTrend, PerspectiveTrend
from offbook.methods.mind.metanet import MetaNet
from offbook.methods.mind.options import MindOptions


class Feedback:
    """Hands a step's costs to MetaNet, and to those that are watched.

    Args:
        updater: of the MetaNet that chooses.
        watched: of further ones, in the order of `options.watched_rates`.
        vectors_NKE: of all paths.
        path_mask_NK: which paths there are.
        options: MIND's settings.
    """

    def __init__(
        self,
        updater: MetaUpdater,
        watched: Sequence[MetaUpdater],
        vectors_NKE: torch.Tensor,
        path_mask_NK: torch.Tensor,
        options: MindOptions,
    ) -> None:
        self.updater = updater
        self.followers = {"meta_loss": updater} | {
            f"meta_loss/{rate:g}": one for rate, one in zip(options.watched_rates, watched, strict=True)
        }
        self.vectors_NKE, self.path_mask_NK, self.options = vectors_NKE, path_mask_NK, options

    def warm_up(self, losses_NK: torch.Tensor, *, seed: int) -> None:
        """All of them learn the untouched student's costs, alike."""
        for follower in self.followers.values():
            follower.warm_up(
                self.vectors_NKE,
                losses_NK,
                self.path_mask_NK,
                epochs=self.options.warmup_epochs,
                rate=self.options.warmup_rate,
                seed=seed,
            )

    def take(self, questions: Sequence[int], losses_BK: torch.Tensor) -> dict[str, float]:
        """Takes in the costs of a step's questions.

        Returns:
            `meta_loss`, the mean L_meta over the questions, and that of each watched rate; `meta_steps`, MetaNet's so
            far.
        """
        size = self.options.meta_questions or len(questions)
        totals = dict.fromkeys(self.followers, 0.0)
        for start in range(0, len(questions), size):
            some = list(questions[start : start + size])
            part = self.vectors_NKE[some], losses_BK[start : start + size], self.path_mask_NK[some]
            for name, follower in self.followers.items():
                totals[name] += follower.update(some, *part) * len(some) / len(questions)
        return {**totals, "meta_steps": float(self.updater.steps)}


def updaters(
    vectors_NKE: torch.Tensor, shape: Sequence[int], options: MindOptions, *, seed: int, sd_floor: float
) -> list[MetaUpdater]:
    """The updater of the MetaNet that chooses, then those of the watched rates; all networks start alike.

    Args:
        vectors_NKE: of all paths, on the student's device.
        shape: N and K.
        options: MIND's settings.
        seed: of the networks.
        sd_floor: least deviation of a z-score, in the costs' unit.
    """
    N, K = shape
    made = []
    for rate in (options.meta_rate, *options.watched_rates):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = MetaNet(
                vector_width=vectors_NKE.shape[-1],
                perspectives=K,
                attention=options.attention,
                bounded=options.selection == "literal",
                heads=options.heads,
            )
        item = options.inertia == "item"
        made.append(
            MetaUpdater(
                network.to(vectors_NKE.device),
                ItemTrend(N, K, options.rho) if item else PerspectiveTrend(K, options.rho, window=options.window),
                tau=options.tau,
                rate=rate,
                accumulation=options.accumulation,
                direction=options.direction,
                standardise=options.standardised,
                sd_floor=sd_floor,
                entropy_bonus=options.entropy_bonus,
            )
        )
    return made
