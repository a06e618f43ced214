"""Draft models as their authors publish them, read into offbook's own checkpoints."""
