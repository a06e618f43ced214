"""Names the optional libraries of the analysis before any work is done."""

import importlib.util

LIBRARIES = {"sklearn": "scikit-learn", "matplotlib": "matplotlib"}


def require_libraries() -> None:
    """Makes sure that the analysis can run to its end.

    Raises:
        ValueError: a library is not installed.
    """
    missing = [name for module, name in LIBRARIES.items() if importlib.util.find_spec(module) is None]
    if missing:
        names = " and ".join(missing)
        msg = f'expected {names} for the latent analysis, found none installed; run `pip install "offbook[analysis]"`'
        raise ValueError(msg)
