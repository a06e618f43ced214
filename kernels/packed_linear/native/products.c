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

struct product {
    const struct instruction_set *set;
    const struct matrix *matrix;
    struct activations x;
    float *y;
    float *scratch; // of each thread
    int64_t scratch_size;
};

static void run_product(struct team *team, int thread, void *argument) {
    struct product *job = argument;
    const struct matrix *matrix = job->matrix;
    float *buffer = job->scratch + thread * job->scratch_size, *out = buffer + PANELS_AT_ONCE * PANEL * PRODUCT_CHUNK;
    int64_t panel, end;
    while (team_next(team, matrix_panels(matrix), PANELS_AT_ONCE, &panel, &end)) {
        const struct panel both[] = {{matrix, panel, PANELS_AT_ONCE}, {matrix, panel + 1, PANELS_AT_ONCE}};
        job->set->products(both, (int)(end - panel), &job->x, out, buffer);
        for (const float *from = out; panel < end; panel++, from += job->x.tiles * job->x.tile * PANEL) {
            const int64_t first = panel * PANEL, left = matrix->rows - first, count = left < PANEL ? left : PANEL;
            for (int64_t r = 0; r < job->x.rows; r++)
                for (int64_t i = 0; i < count; i++)
                    job->y[r * matrix->rows + first + i] =
                        from[r * PANEL + i] + (matrix->bias ? matrix->bias[first + i] : 0.0f);
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
    job.x.data = malloc((size_t)(padded * matrix->columns) * sizeof(float));
    job.scratch = malloc((size_t)(job.scratch_size * threads) * sizeof(float));
    if (job.x.data == NULL || job.scratch == NULL) {
        free(job.x.data);
        free(job.scratch);
        return PRODUCT_NO_MEMORY;
    }
    for (int64_t row = 0; row < rows; row++) pack_row(&job.x, row, x + row * matrix->columns);
    pack_no_rows(&job.x);
    pool_run(threads, run_product, &job);
    free(job.x.data);
    free(job.scratch);
    return PRODUCT_DONE;
}

const char *offbook_instruction_set(const char *name) {
    const struct instruction_set *found = instruction_set(name);
    return found == NULL ? NULL : found->name;
}
