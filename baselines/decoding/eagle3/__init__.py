"""EAGLE-3 (arXiv:2503.01840): a draft layer on several layers of the target, trained on its own predictions."""
