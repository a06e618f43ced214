"""The columns of the students' tables: what each is called, means, and where it is shown."""

from offbook.harness.tables.columns import Column, Row, documents

ALL_SUITES = "all"
GROUPS = {"id": "ID", "ood": "OOD"}
PRECISIONS = {"no": "fp32", "bf16": "bf16", "bf16, no": "bf16, fp32"}  # those of a student's seeds


def _seeds(row: Row) -> str:
    return "-" if row["corpus"] == "" else f"{row['seeds']}"


COLUMNS = (
    Column(name="model", heading="Model", shown_in=("csv", "terminal"), rerun="row"),
    Column(name="student", heading="Student", rerun="row"),
    Column(name="method"),
    Column(name="group", heading="Group", rerun="row"),
    Column(name="suite", rerun="row"),
    Column(name="origin"),
    Column(name="seeds", heading="Seeds", unit="seeds", kind="whole", written=_seeds),
    Column(name="n_suites", unit="suites", kind="whole"),
    Column(name="n_items", heading="Items", unit="items", kind="whole", written=lambda row: documents(row, "n_items")),
    Column(name="n_clusters", unit="clusters", kind="whole"),
    Column(name="metric"),
    Column(
        name="score",
        heading="Score",
        kind="number",
        digits=1,
        scale=100,
        interval=True,
        behind="metric",
        rerun="interval",
    ),
    Column(
        name="accuracy",
        heading="Accuracy",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        interval=True,
        rerun="interval",
    ),
    Column(name="guessing", unit="share", kind="number"),
    Column(name="seed_sd", heading="Seed sd", unit="share", kind="number", digits=1, scale=100),
    Column(
        name="change",
        heading="Change",
        unit="share",
        kind="number",
        digits=1,
        scale=100,
        sign="+",
        interval=True,
        rerun="interval",
    ),
    Column(name="gradient_tokens", heading="Gradient tokens", unit="tokens", kind="count", rerun="beside"),
    Column(name="kept_tokens", heading="Kept at", unit="tokens", kind="count"),
    Column(name="distinct_sequences", heading="Distinct sequences", unit="sequences", kind="count"),
    Column(name="steps", heading="Steps", unit="steps", kind="number", digits=0),
    Column(name="prepare_s", heading="Prepare s", unit="s", kind="number", digits=0, rerun="timing"),
    Column(
        name="mixed_precision",
        heading="Precision",
        written=lambda row: PRECISIONS.get(row["mixed_precision"], row["mixed_precision"]) or "-",
    ),
    Column(name="train_s", heading="Train s", unit="s", kind="number", digits=0, rerun="timing"),
    Column(name="exam_s", heading="Exam s", unit="s", kind="number", digits=0, rerun="timing"),
    Column(name="peak_mib", heading="Peak MiB", unit="MiB", kind="number", digits=0, rerun="timing"),
    Column(name="answer_tokens", heading="Answer tokens", unit="tokens", kind="number", digits=0),
    Column(name="finished", heading="Finished", unit="share", kind="share"),
    Column(name="corpus"),
    Column(name="budget", unit="tokens", kind="number"),
    Column(name="exam"),
    Column(name="setting"),
)
