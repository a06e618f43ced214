"""An example of every command, which its help ends with; tests parse each of them."""

EXAMPLES: dict[str, str] = {
    "generate": 'offbook generate "Write a haiku." --decoder prompt_lookup',
    "evaluate": "offbook evaluate --suite offbook_qa --limit 4",
    "train-drafter": "offbook train-drafter eagle2 --output runs/eagle2",
    "import-drafter": "offbook import-drafter downloads/eagle --model my-model",
    "train-student": "offbook train-student mind --output runs/student",
    "tune": "offbook tune --output runs/tuning",
    "certify": "offbook certify prompt_lookup",
    "synthesize": "offbook synthesize --output corpus.jsonl",
    "reproduce": "offbook reproduce --profile laptop",
    "report": "offbook report runs/first",
    "rescore": "offbook rescore runs/first",
    "ls": "offbook ls runs/first",
    "show": "offbook show runs/first/records/NAME.json --document 3",
    "compare": "offbook compare runs/first runs/second",
    "analyse-latent": "offbook analyse-latent --student mind=runs/student --output runs/latent",
    "run": "offbook run matrix.yaml --output runs/matrix",
    "status": "offbook status runs/matrix",
    "verify": "offbook verify runs/matrix",
    "upgrade": "offbook upgrade runs/old",
    "gc": "offbook gc runs/matrix --delete",
    "export": "offbook export lm-eval runs/first",
    "push": "offbook push runs/student somebody/student --dry-run",
    "lm-eval": "offbook lm-eval run --model offbook --tasks offbook_qa",
    "work": "offbook work runs/matrix 0123456789ab",
}


def epilog(command: str) -> str:
    """What stands below the options: the example, on a line of its own that is not broken."""
    return f"\b\nExample:\n  {EXAMPLES[command]}"
