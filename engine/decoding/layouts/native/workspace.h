// Memory of one step, sized by what it asks for.
#ifndef OFFBOOK_WORKSPACE_H
#define OFFBOOK_WORKSPACE_H

#include "llama.h"

// How the attention of a step is cut into units that threads take: a unit is one key/value head of one sequence, some
// rows of it, and a run of the keys they see.
struct attention_plan {
    int64_t fold;           // query heads of a key/value head
    int64_t rows_of_unit;   // at most
    int64_t runs;           // of keys
    int64_t units;          // in all
    int64_t longest_run;    // keys
    int64_t *first_unit;    // (sequences)
};

struct workspace {
    float *x;   // (rows, hidden): the residual stream
    float *qkv; // (rows, (heads + 2 kv_heads) * head_dim)
    struct activations normed, attended, inner, last;
    float *maxima, *sums, *outputs; // (rows, heads, runs) twice, (rows, heads, runs, head_dim)
    int64_t *sequence_of;           // (rows)
    int64_t *end_of;                // (rows): one behind the last row of its sequence that it sees
    struct attention_plan plan;
    float *scratch; // of each thread
    int64_t scratch_size;
    void *memory;
};

// 0, or PRODUCT_NO_MEMORY.
int workspace_make(struct workspace *space, const struct llama *model, const struct step *step,
                   const struct instruction_set *set, int threads);
void workspace_free(struct workspace *space);

// Parts of a thread's scratch.
struct scratch {
    float *buffer, *out, *prepared; // of products
    float *query_rows, *query_columns, *scores, *maxima, *sums, *outputs; // of attention
    int64_t *oldest;                                             // (rows of a unit)
    float *factors;                  // of the norm of each row
    float *head;                     // (head_dim)
    float *own;                      // activations of few rows, else NULL
};

struct scratch scratch_of(const struct workspace *space, const struct llama *model, int thread);

#endif
