"""Jakiro (arXiv:2502.06282) as a drafter: the shared draft layer with an expert pair and CEPD.

CEPD (Contrastive-Enhanced Parallel Decoding) lets the last two levels of the tree come from one pass; see
`engine.decoding.feature_draft`, which every feature-level drafter shares. This is the variant the paper calls
Jakiro without a star: experts summed, deterministic candidates, hence lossless. The starred variant's
released sampler is not (its proposal probabilities are not those it sampled from) and is not built here.
"""

from offbook.engine.drafters.feature_objective import feature_architecture
from offbook.methods.jakiro.experts import ExpertPair
from offbook.methods.jakiro.losses import loss

ARCHITECTURE = feature_architecture(
    name="jakiro",
    feed_forward_name="mlp_moe",
    feed_forward=ExpertPair,
    contrast=True,
    loss=loss,
    schedule="cosine",
    weight_decay=1e-3,
)
