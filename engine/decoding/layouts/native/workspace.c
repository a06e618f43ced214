#include "workspace.h"

#include <stdlib.h>

enum { QUERIES_OF_UNIT = 32, UNITS_OF_THREAD = 6, FEWEST_KEYS_OF_RUN = 64, MOST_KEYS_OF_RUN = 1024 };
enum { ALIGNED = 64, FEW_ROWS = 4 };

static int64_t at_least_1(int64_t n) { return n < 1 ? 1 : n; }

static int64_t divided_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

static void plan_attention(struct attention_plan *plan, const struct llama *model, const struct step *step,
                           int threads) {
    plan->fold = model->heads / model->kv_heads;
    plan->rows_of_unit = at_least_1(QUERIES_OF_UNIT / plan->fold);
    int64_t units = 0, most_keys = 1;
    for (int64_t s = 0; s < step->sequence_count; s++) {
        const struct sequence *one = step->sequences + s;
        units += model->kv_heads * divided_up(one->rows, plan->rows_of_unit);
        if (one->length + one->rows > most_keys) most_keys = one->length + one->rows;
    }
    int64_t runs = divided_up((int64_t)UNITS_OF_THREAD * threads, at_least_1(units));
    const int64_t most = divided_up(most_keys, FEWEST_KEYS_OF_RUN), fewest = divided_up(most_keys, MOST_KEYS_OF_RUN);
    if (threads == 1) runs = 1;
    if (runs > most) runs = most;
    if (runs < fewest) runs = fewest;
    plan->runs = runs;
    plan->longest_run = divided_up(most_keys, runs);
    plan->units = 0;
    for (int64_t s = 0; s < step->sequence_count; s++) {
        plan->first_unit[s] = plan->units;
        plan->units += model->kv_heads * divided_up(step->sequences[s].rows, plan->rows_of_unit) * runs;
    }
}

// Hands out aligned parts of one allocation, or only adds them up where there is none yet.
struct arena {
    char *base;
    size_t used;
};

static void *part_of(struct arena *arena, int64_t count, size_t size) {
    void *part = arena->base == NULL ? NULL : arena->base + arena->used;
    arena->used += ((size_t)count * size + ALIGNED - 1) / ALIGNED * ALIGNED;
    return part;
}

static float *floats(struct arena *arena, int64_t count) { return part_of(arena, count, sizeof(float)); }

static void shape_activations(struct arena *arena, struct activations *x, int64_t rows, int64_t columns,
                              const struct instruction_set *set) {
    x->rows = at_least_1(rows);
    x->columns = columns;
    set->shape_tiles(x);
    x->data = floats(arena, x->tiles * x->tile * columns);
}

static struct scratch cut_scratch(struct arena *arena, const struct workspace *space, const struct llama *model) {
    const struct attention_plan *plan = &space->plan;
    const int64_t block = space->normed.tiles * space->normed.tile, last = space->last.tiles * space->last.tile;
    const int64_t padded = block > last ? block : last;
    const int64_t queries = divided_up(plan->rows_of_unit * plan->fold, 16) * 16;
    struct scratch parts;
    parts.buffer = floats(arena, PANELS_AT_ONCE * PANEL * PRODUCT_CHUNK);
    parts.out = floats(arena, (PANELS_AT_ONCE + 1) * PANEL * padded);
    parts.query_rows = floats(arena, queries * model->head_dim);
    parts.query_columns = floats(arena, queries * model->head_dim);
    parts.scores = floats(arena, queries * (plan->longest_run + 16));
    parts.maxima = floats(arena, queries);
    parts.sums = floats(arena, queries);
    parts.outputs = floats(arena, queries * model->head_dim);
    parts.oldest = part_of(arena, plan->rows_of_unit, sizeof(int64_t));
    parts.factors = floats(arena, space->normed.rows);
    parts.head = floats(arena, model->head_dim);
    const struct activations *const all[] = {&space->normed, &space->attended, &space->inner, &space->last};
    int64_t most = 0;
    for (int i = 0; i < 4; i++)
        if (prepared_size(all[i]) > most) most = prepared_size(all[i]);
    parts.prepared = floats(arena, most);
    parts.own = NULL;
    if (space->normed.rows <= FEW_ROWS) {
        const int64_t widest = model->hidden > model->heads * model->head_dim ? model->hidden : space->attended.columns;
        parts.own = floats(arena, padded * widest);
    }
    return parts;
}

static void cut(struct arena *arena, struct workspace *space, const struct llama *model, const struct step *step,
                const struct instruction_set *set, int threads) {
    const int64_t rows = step->rows, D = model->head_dim, runs = space->plan.runs;
    space->x = floats(arena, rows * model->hidden);
    space->qkv = floats(arena, rows * (model->heads + 2 * model->kv_heads) * D);
    shape_activations(arena, &space->normed, rows, model->hidden, set);
    shape_activations(arena, &space->attended, rows, model->heads * D, set);
    shape_activations(arena, &space->inner, rows, model->inner, set);
    shape_activations(arena, &space->last, step->logits_rows, model->hidden, set);
    space->maxima = floats(arena, rows * model->heads * runs);
    space->sums = floats(arena, rows * model->heads * runs);
    space->outputs = floats(arena, rows * model->heads * runs * D);
    space->sequence_of = part_of(arena, rows, sizeof(int64_t));
    space->end_of = part_of(arena, rows, sizeof(int64_t));
    space->scratch = floats(arena, 0);
    struct arena sizes = {NULL, 0};
    cut_scratch(&sizes, space, model);
    space->scratch_size = (int64_t)(sizes.used / sizeof(float));
    floats(arena, space->scratch_size * threads);
}

static void find_rows(struct workspace *space, const struct step *step) {
    for (int64_t s = 0; s < step->sequence_count; s++) {
        const struct sequence *one = step->sequences + s;
        for (int64_t r = 0; r < one->rows; r++) {
            int64_t end = one->rows;
            while (end > 0 && !one->visible[r * one->rows + end - 1]) end--;
            space->sequence_of[one->first_row + r] = s;
            space->end_of[one->first_row + r] = end;
        }
    }
}

int workspace_make(struct workspace *space, const struct llama *model, const struct step *step,
                   const struct instruction_set *set, int threads) {
    space->memory = NULL;
    space->plan.first_unit = malloc((size_t)at_least_1(step->sequence_count) * sizeof(int64_t));
    if (space->plan.first_unit == NULL) return PRODUCT_NO_MEMORY;
    plan_attention(&space->plan, model, step, threads);
    struct arena sizes = {NULL, 0};
    cut(&sizes, space, model, step, set, threads);
    space->memory = malloc(sizes.used + ALIGNED);
    if (space->memory == NULL) {
        workspace_free(space);
        return PRODUCT_NO_MEMORY;
    }
    struct arena arena = {(char *)(((uintptr_t)space->memory + ALIGNED - 1) / ALIGNED * ALIGNED), 0};
    cut(&arena, space, model, step, set, threads);
    find_rows(space, step);
    struct activations *all[] = {&space->normed, &space->attended, &space->inner, &space->last};
    for (int i = 0; i < 4; i++) pack_no_rows(all[i]);
    return PRODUCT_DONE;
}

void workspace_free(struct workspace *space) {
    free(space->plan.first_unit);
    free(space->memory);
}

struct scratch scratch_of(const struct workspace *space, const struct llama *model, int thread) {
    struct arena arena = {(char *)(space->scratch + thread * space->scratch_size), 0};
    return cut_scratch(&arena, space, model);
}
