"""Settings of every test: one thread, and hypothesis draws the same examples every time."""

import hypothesis
import torch

torch.set_num_threads(1)
hypothesis.settings.register_profile(
    "offbook",
    deadline=None,  # the first example pays for imports and for building models
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.differing_executors],
)
hypothesis.settings.load_profile("offbook")
