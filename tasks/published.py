"""The published data sets behind suites, by the suites' names, and whether each is to be had on this machine."""

from offbook.tasks.arc_easy.utils import SOURCE as ARC_EASY
from offbook.tasks.commonsenseqa.utils import SOURCE as COMMONSENSEQA
from offbook.tasks.gpqa_diamond.utils import SOURCE as GPQA_DIAMOND
from offbook.tasks.gsm8k.utils import SOURCE as GSM8K
from offbook.tasks.math500.utils import SOURCE as MATH500
from offbook.tasks.openbookqa.utils import SOURCE as OPENBOOKQA
from offbook.tasks.source import Source, SuiteUnavailableError, fetched, local_file
from offbook.tasks.strategyqa.utils import SOURCE as STRATEGYQA
from offbook.tasks.svamp.utils import SOURCE as SVAMP

SOURCES: dict[str, Source] = {
    "offbook_gsm8k": GSM8K,
    "offbook_svamp": SVAMP,
    "offbook_math500": MATH500,
    "offbook_commonsenseqa": COMMONSENSEQA,
    "offbook_strategyqa": STRATEGYQA,
    "offbook_gpqa_diamond": GPQA_DIAMOND,
    "offbook_arc_easy": ARC_EASY,
    "offbook_openbookqa": OPENBOOKQA,
}


def unavailable(suite: str) -> str | None:
    """Why a suite's data set is not to be had here; None where it is, or the suite needs none.

    It is where OFFBOOK_DATA has its file, or the hub gives it, whose cache keeps it then.
    """
    source = SOURCES.get(suite)
    if source is None or local_file(source) is not None:
        return None
    try:
        fetched(source)
    except SuiteUnavailableError as error:
        return " ".join(str(error).split())
    return None
