"""The operations under every contender: tensors in, tensors out; no kernel knows a model."""
