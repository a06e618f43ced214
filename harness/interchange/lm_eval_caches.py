"""Caches of lm-eval's own are pickles, which run whatever they say when they are read: offbook reads none."""

from argparse import Namespace

OPTIONS = ("use_cache", "cache_requests")


def refuse_caches(asked: Namespace) -> None:
    """Lets no cache of lm-eval through, whether its arguments ask for one or their --config.

    Raises:
        ValueError: they do.
    """
    from lm_eval.config.evaluate_config import EvaluatorConfig

    file = getattr(asked, "config", None)
    given = EvaluatorConfig.load_yaml_config(file) if file else {}
    for option in OPTIONS:
        if getattr(asked, option, None) or given.get(option):
            msg = (
                f"--{option}: expected none, for lm-eval keeps pickles there, and reading one runs what it says; leave "
                "it out"
            )
            raise ValueError(msg)
