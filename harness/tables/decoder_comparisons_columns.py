"""The columns of the comparisons of decoders, a pair a row: a against b."""

from offbook.harness.tables.columns import Column
from offbook.harness.tables.dimensions import MODEL

PLACE = (
    *MODEL,
    Column(name="student"),
    Column(name="training_seed", kind="whole"),
    Column(name="temperature", kind="number"),
    Column(name="seed", kind="whole"),
)
SIDES = (Column(name="a"), Column(name="b"))
MEASURED = (
    Column(name="n_suites", unit="suites", kind="whole"),
    Column(name="n_docs", unit="documents", kind="whole"),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(name="acceptance_a", unit="tokens per forward", kind="number"),
    Column(name="acceptance_b", unit="tokens per forward", kind="number"),
    Column(name="acceptance_difference", unit="tokens per forward", kind="number", interval=True),
    Column(name="p_acceptance", kind="number"),
    Column(name="tokens_per_s_a", unit="tokens per second", kind="number"),
    Column(name="tokens_per_s_b", unit="tokens per second", kind="number"),
    Column(name="speed_ratio", kind="number", interval=True),
    Column(name="p_speed", kind="number"),
)
JUDGED = (
    Column(name="p_acceptance_corrected", kind="number"),
    Column(name="accepts"),
    Column(name="p_speed_corrected", kind="number"),
    Column(name="speed"),
    Column(name="family", unit="comparisons", kind="whole"),
)
KEYS = (Column(name="key_a"), Column(name="key_b"))  # of the leaderboard's pooled rows
COLUMNS = (*PLACE, *SIDES, *MEASURED, *JUDGED, *KEYS)
