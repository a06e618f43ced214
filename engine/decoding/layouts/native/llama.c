// The whole step of Llama's shape: all threads walk through its phases together, with a barrier behind each. Within a
// phase they take rows, panels of weights or units of attention as they come.
#include "llama.h"

#include <string.h>

#include "../../../../kernels/packed_linear/native/pool.h"
#include "attention.h"

enum { ROWS_AT_ONCE = 1, UNITS_AT_ONCE = 1, HEADS_AT_ONCE = 1, COLUMNS_AT_ONCE = 64, TURNS_OF_THREAD = 3 };

struct walk {
    struct team *team;
    struct job *job;
    int thread;
    struct scratch scratch;
};

// How many of so many items a thread takes in one turn: few turns, since what lies side by side is read faster.
static int64_t turn_of(const struct walk *walk, int64_t items) {
    const int64_t turns = (int64_t)TURNS_OF_THREAD * team_size(walk->team), some = (items + turns - 1) / turns;
    return (some + PANELS_AT_ONCE - 1) / PANELS_AT_ONCE * PANELS_AT_ONCE;
}

// Where the results of a panel go, row by row.
enum destination { TO_ROWS, ADDED_TO_ROWS };

static void take_rows(const struct panel *panel, const float *out, int64_t rows, enum destination destination, float *y,
                      int64_t stride) {
    const struct matrix *matrix = panel->matrix;
    const int64_t first = panel->index * PANEL, left = matrix->rows - first, count = left < PANEL ? left : PANEL;
    for (int64_t r = 0; r < rows; r++) {
        float *to = y + r * stride + first;
        const float *from = out + r * PANEL;
        for (int64_t i = 0; i < count; i++) {
            const float value = from[i] + (matrix->bias == NULL ? 0.0f : matrix->bias[first + i]);
            to[i] = destination == ADDED_TO_ROWS ? to[i] + value : value;
        }
    }
}

// The activations as these matrices need them; every thread makes them for itself, which is less than a barrier.
static struct activations prepared(const struct walk *walk, const struct matrix *const *matrices, int count,
                                   const struct activations *x) {
    struct activations own = *x;
    unsigned kinds = 0;
    for (int m = 0; m < count; m++) kinds |= 1u << matrices[m]->kind;
    prepare(&own, kinds, walk->scratch.prepared);
    return own;
}

// y = x W^T of several matrices side by side.
static void product_phase(const struct walk *walk, const struct matrix *const *matrices, int count,
                          const struct activations *shared, enum destination destination, float *y, int64_t stride) {
    const struct activations own = prepared(walk, matrices, count, shared), *x = &own;
    const int64_t size = x->tiles * x->tile * PANEL;
    int64_t all = 0, next, end;
    for (int m = 0; m < count; m++) all += matrix_panels(matrices[m]);
    while (team_next(walk->team, all, turn_of(walk, all), &next, &end)) {
        while (next < end) {
            struct panel panels[PANELS_AT_ONCE];
            float *to[PANELS_AT_ONCE];
            int found = 0;
            for (; next < end && found < PANELS_AT_ONCE; next++, found++) {
                int64_t index = next;
                int m = 0;
                to[found] = y;
                for (; index >= matrix_panels(matrices[m]); m++) {
                    index -= matrix_panels(matrices[m]);
                    to[found] += matrices[m]->rows;
                }
                panels[found] = (struct panel){matrices[m], index, PANELS_AT_ONCE};
            }
            walk->job->set->products(panels, found, x, walk->scratch.out, walk->scratch.buffer);
            for (int p = 0; p < found; p++)
                take_rows(panels + p, walk->scratch.out + p * size, x->rows, destination, to[p], stride);
        }
    }
    team_barrier(walk->team);
}

// Hidden states that were asked for, of the rows that are this thread's share.
static void keep_states(const struct walk *walk, int64_t tap) {
    const struct step *step = walk->job->step;
    const int64_t hidden = walk->job->model->hidden;
    for (int64_t t = 0; t < step->tap_count; t++)
        for (int64_t row = walk->thread; step->taps[t] == tap && row < step->rows; row += team_size(walk->team))
            memcpy(step->states + (t * step->rows + row) * hidden, walk->job->space.x + row * hidden,
                   (size_t)hidden * sizeof(float));
}

static void norm_row(const float *x, const struct norm *norm, float factor, int64_t begin, int64_t end, int64_t stride,
                     float *out) {
    for (int64_t k = begin; k < end; k++) out[(k - begin) * stride] = norm->weight[k] * (x[k] * factor);
}

// The rows from `first` on. Threads take columns, of all rows: rows of a tile lie side by side, and threads that write
// to one line of the cache take it from each other.
static void norm_phase(const struct walk *walk, const struct norm *norm, int64_t first, struct activations *out) {
    const int64_t hidden = walk->job->model->hidden;
    const float *x = walk->job->space.x + first * hidden;
    float *factors = walk->scratch.factors;
    for (int64_t r = 0; r < out->rows; r++)
        factors[r] = walk->job->set->norm_factor(x + r * hidden, (float)norm->eps, hidden);
    int64_t k, end;
    while (team_next(walk->team, hidden, COLUMNS_AT_ONCE, &k, &end))
        for (int64_t r = 0; r < out->rows; r++)
            norm_row(x + r * hidden, norm, factors[r], k, end, out->tile, activation_place(out, r, k));
    team_barrier(walk->team);
}

static void qkv_phase(const struct walk *walk, const struct layer *layer) {
    const struct matrix *const all[] = {&layer->q, &layer->k, &layer->v};
    const int64_t width = layer->q.rows + layer->k.rows + layer->v.rows;
    product_phase(walk, all, 3, &walk->job->space.normed, TO_ROWS, walk->job->space.qkv, width);
}

// x += y W^T
static void residual_phase(const struct walk *walk, const struct matrix *matrix, const struct activations *y) {
    product_phase(walk, &matrix, 1, y, ADDED_TO_ROWS, walk->job->space.x, walk->job->model->hidden);
}

static void attention_phases(const struct walk *walk, int64_t layer) {
    struct job *job = walk->job;
    int64_t i, end;
    while (team_next(walk->team, job->step->rows, ROWS_AT_ONCE, &i, &end)) write_row(job, layer, i);
    team_barrier(walk->team);
    while (team_next(walk->team, job->space.plan.units, UNITS_AT_ONCE, &i, &end))
        attend_unit(job, layer, i, &walk->scratch);
    team_barrier(walk->team);
    struct activations *attended = &job->space.attended;
    const int64_t D = job->model->head_dim;
    while (team_next(walk->team, job->model->heads, HEADS_AT_ONCE, &i, &end)) // see norm_phase
        for (int64_t r = 0; r < attended->rows; r++) {
            put_together(job, r, i, walk->scratch.head);
            float *to = activation_place(attended, r, i * D);
            for (int64_t d = 0; d < D; d++) to[d * attended->tile] = walk->scratch.head[d];
        }
    team_barrier(walk->team);
}

// silu(gate) * up, panel by panel, straight to where the next product reads it.
static void inner_panel(const struct walk *walk, const struct layer *layer, const struct activations *x,
                        int64_t panel) {
    struct job *job = walk->job;
    struct activations *inner = &job->space.inner;
    float *gate = walk->scratch.out, *up = gate + x->tiles * x->tile * PANEL;
    const struct panel both[] = {{&layer->gate, panel, 1}, {&layer->up, panel, 1}};
    job->set->products(both, 2, x, gate, walk->scratch.buffer);
    const int64_t first = panel * PANEL, left = inner->columns - first, count = left < PANEL ? left : PANEL;
    for (int64_t r = 0; r < x->rows; r++, gate += PANEL, up += PANEL) {
        for (int64_t i = 0; i < count; i++) {
            if (layer->gate.bias != NULL) gate[i] += layer->gate.bias[first + i];
            if (layer->up.bias != NULL) up[i] += layer->up.bias[first + i];
        }
        float product[PANEL];
        job->set->silu_times(gate, up, product);
        float *to = activation_place(inner, r, first);
        for (int64_t i = 0; i < count; i++) to[i * inner->tile] = product[i];
    }
}

static void mlp_phases(const struct walk *walk, const struct layer *layer) {
    struct job *job = walk->job;
    int64_t panel, end;
    const int64_t panels = matrix_panels(&layer->gate);
    const struct matrix *const both[] = {&layer->gate, &layer->up};
    const struct activations x = prepared(walk, both, 2, &job->space.normed);
    while (team_next(walk->team, panels, turn_of(walk, panels), &panel, &end))
        for (; panel < end; panel++) inner_panel(walk, layer, &x, panel);
    team_barrier(walk->team);
    residual_phase(walk, &layer->down, &job->space.inner);
}

static void last_phases(const struct walk *walk) {
    struct job *job = walk->job;
    const struct llama *model = job->model;
    const struct step *step = job->step;
    const int64_t hidden = model->hidden;
    for (int64_t t = 0; t < step->tap_count; t++)
        for (int64_t row = walk->thread; row < step->rows; row += team_size(walk->team)) {
            if (step->taps[t] != model->layer_count) break;
            const float *x = job->space.x + row * hidden;
            const float factor = job->set->norm_factor(x, (float)model->final_norm.eps, hidden);
            norm_row(x, &model->final_norm, factor, 0, hidden, 1, step->states + (t * step->rows + row) * hidden);
        }
    if (step->logits_rows == 0) return;
    const struct matrix *head = &model->head;
    norm_phase(walk, &model->final_norm, step->rows - step->logits_rows, &job->space.last);
    product_phase(walk, &head, 1, &job->space.last, TO_ROWS, step->logits, model->vocabulary);
}

static void walk_through(struct team *team, int thread, void *argument) {
    struct job *job = argument;
    const struct llama *model = job->model;
    const struct walk walk = {team, job, thread, scratch_of(&job->space, model, thread)};
    int64_t row, end;
    while (team_next(team, job->step->rows, ROWS_AT_ONCE, &row, &end))
        memcpy(job->space.x + row * model->hidden, model->embedding + job->step->tokens[row] * model->hidden,
               (size_t)model->hidden * sizeof(float));
    team_barrier(team);
    for (int64_t l = 0; l < model->layer_count; l++) {
        const struct layer *layer = model->layers + l;
        keep_states(&walk, l);
        norm_phase(&walk, &layer->attention_norm, 0, &job->space.normed);
        qkv_phase(&walk, layer);
        attention_phases(&walk, l);
        residual_phase(&walk, &layer->o, &job->space.attended);
        norm_phase(&walk, &layer->mlp_norm, 0, &job->space.normed);
        mlp_phases(&walk, layer);
    }
    last_phases(&walk);
}

static int refused(const struct llama *model, const struct step *step) {
    int64_t rows = 0;
    for (int64_t r = 0; r < step->rows; r++) {
        if (step->tokens[r] < 0 || step->tokens[r] >= model->vocabulary) return STEP_BAD_TOKEN;
        if (step->positions[r] < 0 || step->positions[r] >= step->table_rows) return STEP_BAD_POSITION;
    }
    for (int64_t s = 0; s < step->sequence_count; s++) {
        const struct sequence *one = step->sequences + s;
        if (one->first_row != rows || one->rows < 1) return STEP_BAD_ROWS;
        if (one->length < 0 || one->length + one->rows > one->capacity) return STEP_CACHE_FULL;
        rows += one->rows;
    }
    if (rows != step->rows || step->logits_rows < 0 || step->logits_rows > rows) return STEP_BAD_ROWS;
    for (int64_t t = 0; t < step->tap_count; t++)
        if (step->taps[t] < 0 || step->taps[t] > model->layer_count) return STEP_BAD_TAP;
    return PRODUCT_DONE;
}

int offbook_llama_step(const struct llama *model, const struct step *step, int threads, const char *set) {
    const int bad = refused(model, step);
    if (bad != PRODUCT_DONE) return bad;
    struct job job = {.model = model, .step = step, .set = instruction_set(set)};
    if (job.set == NULL) return PRODUCT_NO_SUCH_SET;
    if (threads > POOL_MAX_THREADS) threads = POOL_MAX_THREADS;
    if (threads < 1) threads = 1;
    if (workspace_make(&job.space, model, step, job.set, threads) != PRODUCT_DONE) return PRODUCT_NO_MEMORY;
    pool_run(threads, walk_through, &job);
    workspace_free(&job.space);
    return PRODUCT_DONE;
}
