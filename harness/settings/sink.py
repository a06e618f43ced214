"""Experiment trackers that a run may report to."""

from typing import Literal

SinkKind = Literal["trackio", "wandb", "mlflow"]
