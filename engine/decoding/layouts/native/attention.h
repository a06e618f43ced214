// Attention of a step, see attention.c.
#ifndef OFFBOOK_ATTENTION_H
#define OFFBOOK_ATTENTION_H

#include "workspace.h"

struct job {
    const struct llama *model;
    const struct step *step;
    const struct instruction_set *set;
    struct workspace space;
};

// Queries and keys of a row are normed, turned and scaled; its key and value go to the cache.
void write_row(const struct job *job, int64_t layer, int64_t row);

void attend_unit(const struct job *job, int64_t layer, int64_t unit, const struct scratch *scratch);

// What a head of a row attended to, (head_dim): the runs of its keys weighed by their shares of the softmax.
void put_together(const struct job *job, int64_t row, int64_t head, float *out);

#endif
