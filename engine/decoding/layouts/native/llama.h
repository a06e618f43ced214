// A whole step of a model of Llama's shape, over weights in whatever exact form.
// engine/decoding/layouts/packed_structs.py has the same structures for ctypes.
#ifndef OFFBOOK_LLAMA_H
#define OFFBOOK_LLAMA_H

#include "../../../../kernels/packed_linear/native/products.h"

struct norm {
    const float *weight; // NULL: this model has no such norm
    double eps;
};

struct layer {
    struct norm attention_norm, q_norm, k_norm, mlp_norm;
    struct matrix q, k, v, o, gate, up, down;
    int64_t window; // how many positions a row sees, itself included; 0 for all
};

struct llama {
    int64_t hidden, heads, kv_heads, head_dim, inner, vocabulary, layer_count;
    double scale;           // on products of queries and keys
    const float *embedding; // (vocabulary, hidden)
    const struct layer *layers;
    struct norm final_norm;
    struct matrix head;
};

// Rows of the block that belong to one cache, whose storage is (2 * layers, kv_heads, capacity, head_dim): keys of
// layer l at l, values at layers + l. Committed row i sits at position i and is seen by all; rows are written behind
// them.
struct sequence {
    float *storage;
    int64_t capacity, length;
    int64_t first_row, rows;
    const uint8_t *visible; // (rows, rows): which rows of its own each row sees
};

struct step {
    int64_t rows;
    const int64_t *tokens, *positions; // (rows)
    const float *cosines, *sines;      // (table_rows, head_dim) by position
    int64_t table_rows;
    int64_t sequence_count;
    const struct sequence *sequences;
    int64_t logits_rows; // of the last so many rows
    float *logits;       // (logits_rows, vocabulary)
    int64_t tap_count;
    const int64_t *taps; // 0 the embedding, j behind layer j, the number of layers: behind the final norm
    float *states;       // (taps, rows, hidden)
};

enum { STEP_BAD_TOKEN = 10, STEP_BAD_POSITION = 11, STEP_CACHE_FULL = 12, STEP_BAD_TAP = 13, STEP_BAD_ROWS = 14 };

EXPORTED int offbook_llama_step(const struct llama *model, const struct step *step, int threads, const char *set);

#endif
