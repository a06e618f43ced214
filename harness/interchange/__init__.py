"""Other tools: lm-eval's command line, model interface and results, the Hugging Face hub, every_eval_ever, AIPerf."""
