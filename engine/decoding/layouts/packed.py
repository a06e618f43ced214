"""The layout `packed`: weights in their exact small form, and the whole step of Llama's shape in C.

Every matrix is searched for a form that gives each of its fp32 weights back bit for bit (`kernels.packed_linear`):
Q4_1, Q8_0, bf16; a matrix that has none stays fp32. Activations and sums are fp32. The step (native/llama.c) takes the
rows of one cache or of several.

Shapes: M rows of the block, n of them with logits, V vocabulary, H hidden, B sequences.
"""

import ctypes
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.layouts.layout import StepOutput
from offbook.engine.decoding.layouts.packed_structs import (
    LayerStruct,
    LlamaStruct,
    NormStruct,
    SequenceStruct,
    StepStruct,
    llama_step,
)
from offbook.engine.decoding.layouts.shape import Linear, LlamaShape, Norm, RopeTable, difference, read_shape
from offbook.engine.json_value import JsonValue
from offbook.kernels.native_library import native_available
from offbook.kernels.packed_linear import NativeMatrix, WeightMemory, find_exact
from offbook.kernels.packed_linear.native import check

ROWS_AT_ONCE = 256  # of a prompt
LINEARS = ("q", "k", "v", "o", "gate", "up", "down")
NORMS = ("attention_norm", "q_norm", "k_norm", "mlp_norm")
WRONG = {
    10: "a token id outside the vocabulary",
    11: "a position outside the rope table",
    12: "more rows than the cache has room for",
    13: "a tap behind no layer",
    14: "sequences that do not add up to the rows",
}


@dataclass(frozen=True, kw_only=True)
class _Part:
    """Rows of one sequence in a block, behind `length` rows of its cache."""

    cache: TreeCache
    length: int
    visible: torch.Tensor


class PackedLayout:
    """See `Layout` and `BatchedLayout`.

    Args:
        model: of Llama's shape, fp32, on the CPU.
        instruction_set: one of `kernels.native_library.instruction_sets`; the best where none is named.

    Raises:
        ValueError: another model, or no C code here.
    """

    name = "packed"
    calls_the_model = False

    def __init__(self, model: PreTrainedModel, *, instruction_set: str | None = None) -> None:
        native, found = native_available()
        if not native:
            msg = f"layout packed: {found}, or choose prepacked"
            raise ValueError(msg)
        shape = read_shape(model)
        if shape is None:
            msg = f"layout packed: expected a model of Llama's shape, but {difference(model)}; choose another layout"
            raise ValueError(msg)
        if shape.embedding_VH.dtype != torch.float32 or shape.embedding_VH.device.type != "cpu":
            where = f"{shape.embedding_VH.dtype} on {shape.embedding_VH.device}"
            msg = f"layout packed: expected fp32 weights on the CPU, got {where}; choose layout transformers"
            raise ValueError(msg)
        self._shape = shape
        self._set = None if instruction_set is None else instruction_set.encode()
        self._matrices: list[NativeMatrix] = []
        self._memory = WeightMemory()
        self._alive: list[torch.Tensor] = []  # what the structures point to
        self._struct = self._fill(shape)
        self._step = llama_step()
        self._rope = RopeTable(shape, most=int(model.config.max_position_embeddings))
        forms = Counter(matrix.kind.name for matrix in self._matrices)
        self.facts: Mapping[str, JsonValue] = {
            "instruction_set": instruction_set or found,
            "matrices": dict(sorted(forms.items())),
            "bytes_read": sum(matrix.bytes for matrix in self._matrices),
        }

    @torch.inference_mode()
    def step(
        self,
        tokens_M: torch.Tensor,
        positions_M: torch.Tensor,
        visible_MM: torch.Tensor,
        cache: TreeCache,
        *,
        logits_for: int = 0,
        taps: Sequence[int] = (),
    ) -> StepOutput:
        """See `Layout.step`; a long run of tokens is computed some rows at a time."""
        rows = tokens_M.shape[0]
        wanted = logits_for or rows
        size = ROWS_AT_ONCE if rows > ROWS_AT_ONCE and _is_run(positions_M, visible_MM, cache.length) else rows
        parts = []
        for begin in range(0, rows, size):
            end = min(rows, begin + size)
            part = _Part(cache=cache, length=cache.length + begin, visible=visible_MM[begin:end, begin:end])
            some = max(0, min(end - begin, end - (rows - wanted)))
            parts.append(self._run(tokens_M[begin:end], positions_M[begin:end], [part], some, taps))
        if len(parts) == 1:
            return StepOutput(logits_NV=parts[0][0], states=tuple(parts[0][1]))
        logits, states = zip(*parts, strict=True)
        return StepOutput(logits_NV=torch.cat(logits), states=tuple(torch.cat(states, dim=1)))

    @torch.inference_mode()
    def advance(self, tokens_B: torch.Tensor, caches: Sequence[TreeCache]) -> torch.Tensor:
        """See `BatchedLayout.advance`."""
        itself = torch.ones(1, 1, dtype=torch.bool)
        parts = [_Part(cache=cache, length=cache.length, visible=itself) for cache in caches]
        positions = torch.tensor([part.length for part in parts])
        logits, _ = self._run(tokens_B, positions, parts, len(parts), ())
        for cache in caches:
            cache.commit(1)
        return logits

    def _run(
        self,
        tokens: torch.Tensor,
        positions: torch.Tensor,
        parts: Sequence[_Part],
        logits_rows: int,
        taps: Sequence[int],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (n, V) of the last rows and states (taps, M, H) of a block: every part's rows, one behind another."""
        shape, rows, layers = self._shape, tokens.shape[0], len(self._shape.layers)
        self._rope.reach(int(positions.max()) + 1)
        tokens, positions = tokens.long().contiguous(), positions.long().contiguous()
        masks = [part.visible.bool().contiguous() for part in parts]
        logits = torch.empty(logits_rows, shape.head.weight_NK.shape[0])
        states = torch.empty(len(taps), rows, shape.embedding_VH.shape[1])
        sequences = (SequenceStruct * len(parts))()
        first_row = 0
        for sequence, part, mask in zip(sequences, parts, masks, strict=True):
            storage = part.cache.storage(1, shape.kv_heads, shape.head_dim, like=shape.embedding_VH)
            assert storage.shape == (2 * layers, 1, shape.kv_heads, part.cache.capacity, shape.head_dim)
            assert storage.is_contiguous()
            assert storage.dtype == torch.float32
            sequence.storage = storage.data_ptr()
            sequence.capacity, sequence.length = part.cache.capacity, part.length
            sequence.first_row, sequence.rows = first_row, mask.shape[0]
            sequence.visible = mask.data_ptr()
            first_row += mask.shape[0]
        step = StepStruct(
            rows=rows,
            tokens=tokens.data_ptr(),
            positions=positions.data_ptr(),
            cosines=self._rope.cos.data_ptr(),
            sines=self._rope.sin.data_ptr(),
            table_rows=self._rope.cos.shape[0],
            sequence_count=len(parts),
            sequences=sequences,
            logits_rows=logits_rows,
            logits=logits.data_ptr(),
            tap_count=len(taps),
            taps=(ctypes.c_int64 * len(taps))(*(tap % (layers + 1) if tap < 0 else tap for tap in taps)),
            states=states.data_ptr(),
        )
        done = self._step(self._struct, step, torch.get_num_threads(), self._set)
        assert done not in WRONG, f"a step of {rows} rows asked for {WRONG[done]}"
        check(done, None if self._set is None else self._set.decode())
        return logits, states

    def _fill(self, shape: LlamaShape) -> LlamaStruct:
        layers = (LayerStruct * len(shape.layers))()
        for struct, layer in zip(layers, shape.layers, strict=True):
            for name in NORMS:
                setattr(struct, name, self._norm(getattr(layer, name)))
            for name in LINEARS:
                setattr(struct, name, self._matrix(getattr(layer, name)).struct)
            struct.window = layer.window or 0
        embedding = shape.embedding_VH.contiguous()
        self._alive.append(embedding)
        return LlamaStruct(
            hidden=embedding.shape[1],
            heads=shape.heads,
            kv_heads=shape.kv_heads,
            head_dim=shape.head_dim,
            inner=shape.layers[0].gate.weight_NK.shape[0],
            vocabulary=embedding.shape[0],
            layer_count=len(shape.layers),
            scale=shape.scale,
            embedding=embedding.data_ptr(),
            layers=layers,
            final_norm=self._norm(shape.final_norm),
            head=self._matrix(shape.head).struct,
        )

    def _matrix(self, linear: Linear) -> NativeMatrix:
        self._matrices.append(NativeMatrix(find_exact(linear.weight_NK), linear.bias_N, memory=self._memory))
        return self._matrices[-1]

    def _norm(self, norm: Norm | None) -> NormStruct:
        if norm is None:
            return NormStruct(None, 0.0)
        self._alive.append(norm.weight.contiguous())
        return NormStruct(self._alive[-1].data_ptr(), norm.eps)


def _is_run(positions_M: torch.Tensor, visible_MM: torch.Tensor, length: int) -> bool:
    """Whether rows follow one another, each seeing all before it."""
    rows = positions_M.shape[0]
    follows = torch.arange(length, length + rows, device=positions_M.device)
    return bool((positions_M == follows).all()) and torch.equal(visible_MM, torch.ones_like(visible_MM).tril())
