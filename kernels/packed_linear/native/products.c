// The product of many rows with one matrix: what Python calls.
#include <stdlib.h>
#include <string.h>

#include "instruction_set.h"
#include "pool.h"
#include "products.h"

void pack_row(struct activations *x, int64_t row, const float *from) {
    float *to = activation_place(x, row, 0);
    if (x->tile == 1) {
        memcpy(to, from, (size_t)x->columns * sizeof *to);
        return;
    }
    for (int64_t k = 0; k < x->columns; k++) to[k * x->tile] = from[k];
}

void pack_no_rows(struct activations *x) {
    for (int64_t row = x->rows; row < x->tiles * x->tile; row++) {
        float *to = activation_place(x, row, 0);
        for (int64_t k = 0; k < x->columns; k++) to[k * x->tile] = 0;
    }
}

int64_t prepared_size(const struct activations *x) {
    if (x->tiles > MOST_TILES_OF_BLOCKS || x->columns % BLOCK != 0) return 0;
    return x->tiles * x->tile * (2 * x->columns + x->columns / BLOCK);
}

enum { PERIOD = 8, MOST_ROWS_OF_TILE = 12 };

// Every column times 1 / 2^(bits * i) for the i-th of those in a word; 1 for the last, whose bits are shifted down.
static void divide(const struct activations *x, int bits, float *out) {
    const int in_word = 32 / bits;
    const int64_t period = PERIOD * x->tile, all = x->tiles * x->tile * x->columns;
    float factors[PERIOD * MOST_ROWS_OF_TILE];
    for (int64_t i = 0; i < period; i++) {
        const int place = (int)(i / x->tile) % in_word;
        factors[i] = place == in_word - 1 ? 1.0f : 1.0f / (float)(1u << (bits * place));
    }
    for (const float *from = x->data; from < x->data + all; from += period, out += period)
        for (int64_t i = 0; i < period; i++) out[i] = from[i] * factors[i];
}

static void sum_blocks(const struct activations *x, float *sums) {
    const int64_t size = BLOCK * x->tile, all = x->tiles * x->tile * x->columns;
    float halves[BLOCK / 2 * MOST_ROWS_OF_TILE];
    for (const float *from = x->data; from < x->data + all; from += size, sums += x->tile) {
        int64_t left = size / 2;
        for (int64_t i = 0; i < left; i++) halves[i] = from[i] + from[left + i];
        for (left /= 2; left > x->tile; left /= 2)
            for (int64_t i = 0; i < left; i++) halves[i] += halves[left + i];
        for (int64_t i = 0; i < x->tile; i++) sums[i] = halves[i] + halves[x->tile + i];
    }
}

void prepare(struct activations *x, unsigned kinds, float *room) {
    if (prepared_size(x) == 0 || !(kinds & (1u << KIND_Q4_1 | 1u << KIND_Q8_0))) return;
    const int64_t all = x->tiles * x->tile * x->columns;
    x->of_nibbles = room;
    x->of_bytes = room + all;
    x->block_sums = room + 2 * all;
    if (kinds & 1u << KIND_Q4_1) divide(x, 4, x->of_nibbles);
    if (kinds & 1u << KIND_Q8_0) divide(x, 8, x->of_bytes);
    sum_blocks(x, x->block_sums);
}

struct product {
    const struct instruction_set *set;
    const struct matrix *matrix;
    struct activations x;
    float *y;
    float *scratch; // of each thread
    int64_t scratch_size;
};

static void take_panel(const struct product *job, int64_t panel, const float *from) {
    const struct matrix *matrix = job->matrix;
    const int64_t first = panel * PANEL, left = matrix->rows - first, count = left < PANEL ? left : PANEL;
    for (int64_t r = 0; r < job->x.rows; r++)
        for (int64_t i = 0; i < count; i++)
            job->y[r * matrix->rows + first + i] =
                from[r * PANEL + i] + (matrix->bias ? matrix->bias[first + i] : 0.0f);
}

static void run_product(struct team *team, int thread, void *argument) {
    struct product *job = argument;
    const struct matrix *matrix = job->matrix;
    float *buffer = job->scratch + thread * job->scratch_size, *out = buffer + PANELS_AT_ONCE * PANEL * PRODUCT_CHUNK;
    struct turns turns = turns_of(team, thread, matrix_panels(matrix), PANELS_AT_ONCE);
    int64_t panel, end;
    while (take_turn(&turns, &panel, &end)) {
        while (panel < end) {
            const struct panel both[] = {{matrix, panel, PANELS_AT_ONCE}, {matrix, panel + 1, PANELS_AT_ONCE}};
            const int64_t until = end - panel < PANELS_AT_ONCE ? end : panel + PANELS_AT_ONCE;
            job->set->products(both, (int)(until - panel), &job->x, out, buffer);
            const float *from = out;
            for (; panel < until; panel++, from += job->x.tiles * job->x.tile * PANEL) take_panel(job, panel, from);
        }
    }
}

int offbook_product(const struct matrix *matrix, const float *x, int64_t rows, float *y, int threads, const char *set) {
    struct product job = {.set = instruction_set(set), .matrix = matrix, .y = y};
    if (job.set == NULL) return PRODUCT_NO_SUCH_SET;
    if (rows < 1) return PRODUCT_DONE;
    job.x.rows = rows;
    job.x.columns = matrix->columns;
    job.set->shape_tiles(&job.x);
    const int64_t padded = job.x.tiles * job.x.tile;
    if (threads > POOL_MAX_THREADS) threads = POOL_MAX_THREADS;
    if (threads < 1) threads = 1;
    job.scratch_size = PANEL * (PANELS_AT_ONCE * PRODUCT_CHUNK + (PANELS_AT_ONCE + 1) * padded);
    const int64_t size = padded * matrix->columns;
    job.x.data = malloc((size_t)(size + prepared_size(&job.x)) * sizeof(float));
    job.scratch = malloc((size_t)(job.scratch_size * threads) * sizeof(float));
    if (job.x.data == NULL || job.scratch == NULL) {
        free(job.x.data);
        free(job.scratch);
        return PRODUCT_NO_MEMORY;
    }
    for (int64_t row = 0; row < rows; row++) pack_row(&job.x, row, x + row * matrix->columns);
    pack_no_rows(&job.x);
    prepare(&job.x, 1u << matrix->kind, job.x.data + size);
    pool_run(threads, run_product, &job);
    free(job.x.data);
    free(job.scratch);
    return PRODUCT_DONE;
}

const char *offbook_instruction_set(const char *name) {
    const struct instruction_set *found = instruction_set(name);
    return found == NULL ? NULL : found->name;
}
