"""How small a temperature or a top-p may be: known without what is slow to import."""

LOWEST_TEMPERATURE = 1e-6  # below it logits leave fp32
LOWEST_TOP_P = 1e-6  # below it the bound itself may vanish in fp32; it keeps the one most likely token already here


def check(temperature: float, top_k: int, top_p: float) -> None:
    """Refuses what no distribution can be made of.

    Raises:
        ValueError: a number out of its range.
    """
    if temperature != 0.0 and not LOWEST_TEMPERATURE <= temperature < float("inf"):
        msg = f"temperature must be 0 or at least {LOWEST_TEMPERATURE:g}, got {temperature}; 0 is greedy"
        raise ValueError(msg)
    if top_k < 0:
        msg = f"top_k must be 0 (off) or positive, got {top_k}; leave it out to keep all tokens"
        raise ValueError(msg)
    if not LOWEST_TOP_P <= top_p <= 1.0:
        msg = (
            f"top_p must lie in [{LOWEST_TOP_P:g}, 1], got {top_p}; leave it out to keep all tokens, or set "
            "top_k to 1 to keep one"
        )
        raise ValueError(msg)
