"""Attention of a few query rows over a cached prefix plus a candidate tree."""

import torch

from offbook.kernels.implementation import triton_runs
from offbook.kernels.tree_attention import reference
from offbook.kernels.tree_attention.mask import MOST_ROWS, TreeMask, Visible, prefix_and_tree
from offbook.kernels.tree_attention.reference import within_window
from offbook.kernels.tree_attention.words import (
    block_bidirectional_words,
    block_causal_words,
    causal_words,
    pack_words,
    unpack_words,
)

__all__ = [
    "TreeMask",
    "Visible",
    "block_bidirectional_words",
    "block_causal_words",
    "causal_words",
    "pack_words",
    "prefix_and_tree",
    "tree_attention",
    "unpack_words",
]

WIDEST = {torch.float32: 128, torch.float16: 256, torch.bfloat16: 256}  # heads of kernels; registers hold no more


def tree_attention(
    q_BHTD: torch.Tensor,
    k_BGSD: torch.Tensor,
    v_BGSD: torch.Tensor,
    visible: Visible,
    *,
    scale: float,
    positions_BT: torch.Tensor | None = None,
    key_positions_BS: torch.Tensor | None = None,
    window: int | None = None,
    softcap: float | None = None,
    implementation: str = "auto",
) -> torch.Tensor:
    """See `reference.tree_attention`, which also runs where Triton does not pay.

    That is where a gradient is wanted (the kernel's backward would compute the forward again), and for a boolean mask
    over more than `MOST_ROWS` rows (a prefill's, for which torch's own attention is faster).

    Raises:
        ValueError: Triton was named, for numbers of 64 bits or heads that are too wide (`WIDEST`).
    """
    if not _kernel_runs(q_BHTD, k_BGSD, v_BGSD, visible, implementation):
        return reference.tree_attention(
            q_BHTD,
            k_BGSD,
            v_BGSD,
            visible,
            scale=scale,
            positions_BT=positions_BT,
            key_positions_BS=key_positions_BS,
            window=window,
            softcap=softcap,
        )
    if isinstance(visible, TreeMask):
        mask, length_B, rows, tree_BN = visible.words_BTW, visible.length_B, visible.rows, visible.positions_BN
    else:
        mask, length_B, rows, tree_BN = visible, None, 0, None
        if window is not None:
            mask, window = within_window(visible, positions_BT, key_positions_BS, window), None
    out: torch.Tensor = attend(
        q_BHTD, k_BGSD, v_BGSD, mask, length_B, positions_BT, tree_BN, rows, scale, window, softcap, "triton"
    )
    return out


def _kernel_runs(
    q_BHTD: torch.Tensor, k_BGSD: torch.Tensor, v_BGSD: torch.Tensor, visible: Visible, implementation: str
) -> bool:
    if not triton_runs(q_BHTD, implementation):
        return False
    possible = q_BHTD.shape[-1] <= WIDEST.get(q_BHTD.dtype, 0)
    if implementation != "auto":
        if not possible:
            msg = (
                f"expected fp16 or bf16 with heads of at most 256, or fp32 with 128, for implementation "
                f"{implementation}, got {q_BHTD.dtype} and {q_BHTD.shape[-1]}; choose reference"
            )
            raise ValueError(msg)
        return True
    learns = torch.is_grad_enabled() and (q_BHTD.requires_grad or k_BGSD.requires_grad or v_BGSD.requires_grad)
    few = isinstance(visible, TreeMask) or q_BHTD.shape[2] <= MOST_ROWS
    return possible and few and not learns


@torch.library.custom_op("offbook::tree_attention", mutates_args=())
def attend(
    q_BHTD: torch.Tensor,
    k_BGSD: torch.Tensor,
    v_BGSD: torch.Tensor,
    mask: torch.Tensor,
    length_B: torch.Tensor | None,
    positions_BT: torch.Tensor | None,
    tree_positions_BN: torch.Tensor | None,
    rows: int,
    scale: float,
    window: int | None,
    softcap: float | None,
    implementation: str = "auto",
) -> torch.Tensor:
    """`tree_attention` as torch sees it: `mask` is boolean, or the words of a `TreeMask` if there is its `length_B`."""
    if not triton_runs(q_BHTD, implementation):
        out = _by_reference(
            q_BHTD, k_BGSD, v_BGSD, mask, length_B, positions_BT, tree_positions_BN, rows, scale, window, softcap
        )
        return out.transpose(1, 2).contiguous().transpose(1, 2)
    from offbook.kernels.tree_attention import triton as kernels

    return kernels.attend(
        q_BHTD,
        k_BGSD,
        v_BGSD,
        mask,
        length_B=length_B,
        rows=rows,
        positions_BT=positions_BT,
        tree_positions_BN=tree_positions_BN,
        scale=scale,
        window=window,
        softcap=softcap,
    )


@attend.register_fake
def _(q_BHTD, *_) -> torch.Tensor:  # type: ignore[no-untyped-def]
    batch, heads, rows, size = q_BHTD.shape
    out_BTHD: torch.Tensor = q_BHTD.new_empty(batch, rows, heads, size)
    return out_BTHD.transpose(1, 2)


def _keep(ctx, inputs, output) -> None:  # type: ignore[no-untyped-def]
    ctx.save_for_backward(*inputs[:7])
    ctx.more = inputs[7:11]


def _backward(ctx, grad_BHTD):  # type: ignore[no-untyped-def]
    """By computing the reference once more: who trains drafts rarely through a kernel (see `tree_attention`)."""
    q, k, v, *masks = ctx.saved_tensors
    with torch.enable_grad():
        learning = [x.detach().requires_grad_() for x in (q, k, v)]
        out = _by_reference(*learning, *masks, *ctx.more)
        gradients = torch.autograd.grad(out, learning, grad_BHTD)
    return (*gradients, *[None] * 9)


attend.register_autograd(_backward, setup_context=_keep)


def _by_reference(
    q_BHTD: torch.Tensor,
    k_BGSD: torch.Tensor,
    v_BGSD: torch.Tensor,
    mask: torch.Tensor,
    length_B: torch.Tensor | None,
    positions_BT: torch.Tensor | None,
    tree_positions_BN: torch.Tensor | None,
    rows: int,
    scale: float,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    visible: Visible = mask
    if length_B is not None:
        visible = TreeMask(words_BTW=mask, length_B=length_B, rows=rows, positions_BN=tree_positions_BN)
    return reference.tree_attention(
        q_BHTD, k_BGSD, v_BGSD, visible, scale=scale, positions_BT=positions_BT, window=window, softcap=softcap
    )
