// Attention of a step, see attention.c.
#ifndef OFFBOOK_ATTENTION_H
#define OFFBOOK_ATTENTION_H

#include "../../../../kernels/packed_linear/native/pool.h"
#include "workspace.h"

struct job {
    const struct llama *model;
    const struct step *step;
    const struct instruction_set *set;
    struct workspace space;
};

// How many heads of queries, keys and values a row has.
int64_t heads_of_row(const struct llama *model);

// One of them: a query or key is normed, turned and a query scaled; a key or value goes to the cache.
void write_head(const struct job *job, int64_t layer, int64_t row, int64_t head);

// What a unit reads of the cache: its keys and its values.
struct ahead read_by_unit(const struct job *job, int64_t layer, int64_t unit, const struct scratch *scratch);

void attend_unit(const struct job *job, int64_t layer, int64_t unit, const struct scratch *scratch);

// What a head of a row attended to, (head_dim): the runs of its keys weighed by their shares of the softmax.
void put_together(const struct job *job, int64_t row, int64_t head, float *out);

#endif
