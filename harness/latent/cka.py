"""Centred kernel alignment: do two models lay out the same texts alike, whatever the axes of their spaces?

    CKA(X, Y) = HSIC(X, Y) / sqrt(HSIC(X, X) HSIC(Y, Y)),   HSIC: of the Gram matrices X Xᵀ and Y Yᵀ

(Kornblith et al., arXiv:1905.00414.) It does not change under rotation, reflection or scaling of either side. The usual
estimate is biased upwards where there are fewer texts than dimensions: independent Gaussian states of n texts and p
dimensions reach p/(n + p), 0.9 for 64 texts and 576 dimensions. The unbiased HSIC (Song et al., JMLR 13, 2012, eq. 5)
brings independent states to 0, below it by chance.

Legend: N texts, P and Q dimensions.
"""

import torch


def linear_cka(x_NP: torch.Tensor, y_NQ: torch.Tensor) -> float:
    """The usual estimate, between 0 and 1; NaN where one side does not vary."""
    return _align(*(_centred_gram(side) for side in (x_NP, y_NQ)))


def debiased_cka(x_NP: torch.Tensor, y_NQ: torch.Tensor) -> float:
    """The estimate from unbiased HSIC, at most 1, around 0 for independent sides; NaN for fewer than four texts."""
    if len(x_NP) < 4:
        return float("nan")
    return _align(*(_u_centred_gram(side) for side in (x_NP, y_NQ)))


def _align(gram_NN: torch.Tensor, other_NN: torch.Tensor) -> float:
    scale = gram_NN.norm() * other_NN.norm()
    return float((gram_NN * other_NN).sum() / scale) if scale > 0 else float("nan")


def _centred_gram(x_NP: torch.Tensor) -> torch.Tensor:
    centred = x_NP.double() - x_NP.double().mean(dim=0)
    return centred @ centred.T


def _u_centred_gram(x_NP: torch.Tensor) -> torch.Tensor:
    """The Gram matrix without diagonal, rows and columns summing to 0: inner products of two give unbiased HSIC."""
    n = len(x_NP)
    gram_NN = _centred_gram(x_NP).fill_diagonal_(0.0)
    rows_N = gram_NN.sum(dim=0)
    centred = gram_NN - (rows_N[:, None] + rows_N[None, :]) / (n - 2) + rows_N.sum() / ((n - 1) * (n - 2))
    return centred.fill_diagonal_(0.0)
