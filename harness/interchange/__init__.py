"""Other tools: lm-eval's command line and its model interface, Hugging Face's kernel hub."""
