"""The first layers of a model as a model of their own, with its final norm and its head right behind them.

Early exit drafts so (LayerSkip, arXiv:2404.16710; transformers' `assistant_early_exit`): poorly where the model was not
trained for it, and without a second model. Modules are new, so that a call of them is no call of the model; weights are
the model's own, once in memory.
"""

import copy
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from offbook.engine.decoding.backbone import Backbone


def first_layers(backbone: Backbone, count: int) -> PreTrainedModel:
    """The first `count` layers, under the attention that the model was loaded with.

    Raises:
        ValueError: as many layers as there are not, or a model that keeps them where nobody finds them.
    """
    deep = int(backbone.config.num_hidden_layers)
    if not 1 <= count <= deep:
        msg = f"expected layers of 1 to {deep}, which the target has, got {count}; change the option layers"
        raise ValueError(msg)
    model = backbone.model
    backbone.use_native_attention()
    try:
        shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
        copied: PreTrainedModel = copy.deepcopy(model, shared)
    finally:
        backbone.use_tree_attention()
    decoder: Any = copied.base_model
    if not isinstance(getattr(decoder, "layers", None), nn.ModuleList):
        kind = type(model).__name__
        msg = f"expected a target whose first layers can be taken, got {kind}; name a model with the option draft"
        raise ValueError(msg)
    decoder.layers = decoder.layers[:count]
    config: Any = copied.config.get_text_config()
    config.num_hidden_layers = count
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:count]
    return copied
