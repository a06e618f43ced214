"""GPQA-Diamond as a suite: graduate questions of physics, chemistry and biology, four options."""
