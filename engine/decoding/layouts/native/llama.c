// The whole step of Llama's shape: all threads walk through its phases together, with a barrier behind each. Within a phase
// they take rows, panels of weights or units of attention as they come.
#include "llama.h"

#include <string.h>

#include "../../../../kernels/packed_linear/native/pool.h"
#include "attention.h"

enum { ROWS_AT_ONCE = 1, UNITS_AT_ONCE = 1 };

struct walk {
    struct team *team;
    struct job *job;
    struct scratch scratch;
};

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

// y = x W^T of several matrices side by side.
static void product_phase(const struct walk *walk, const struct matrix *const *matrices, int count,
                          const struct activations *x, enum destination destination, float *y, int64_t stride) {
    const int64_t size = x->tiles * x->tile * PANEL;
    int64_t all = 0, next, end;
    for (int m = 0; m < count; m++) all += matrix_panels(matrices[m]);
    while (team_next(walk->team, all, PANELS_AT_ONCE, &next, &end)) {
        struct panel panels[PANELS_AT_ONCE];
        float *to[PANELS_AT_ONCE];
        int found = 0;
        for (; next < end; next++, found++) {
            int64_t index = next;
            int m = 0;
            to[found] = y;
            for (; index >= matrix_panels(matrices[m]); m++) {
                index -= matrix_panels(matrices[m]);
                to[found] += matrices[m]->rows;
            }
            panels[found] = (struct panel){matrices[m], index};
        }
        walk->job->set->products(panels, found, x, walk->scratch.out, walk->scratch.buffer);
        for (int p = 0; p < found; p++)
            take_rows(panels + p, walk->scratch.out + p * size, x->rows, destination, to[p], stride);
    }
    team_barrier(walk->team);
}

static void keep_state(const struct job *job, int64_t tap, int64_t row, const float *state) {
    const int64_t hidden = job->model->hidden;
    for (int64_t t = 0; t < job->step->tap_count; t++)
        if (job->step->taps[t] == tap)
            memcpy(job->step->states + (t * job->step->rows + row) * hidden, state, (size_t)hidden * sizeof *state);
}

static void norm_phase(const struct walk *walk, const struct norm *norm, int64_t tap) {
    struct job *job = walk->job;
    const int64_t hidden = job->model->hidden;
    int64_t row, end;
    while (team_next(walk->team, job->step->rows, ROWS_AT_ONCE, &row, &end)) {
        const float *x = job->space.x + row * hidden;
        if (tap >= 0) keep_state(job, tap, row, x);
        job->set->rms_norm(x, norm->weight, (float)norm->eps, hidden, walk->scratch.row);
        pack_row(&job->space.normed, row, walk->scratch.row);
    }
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
    while (team_next(walk->team, job->step->rows, ROWS_AT_ONCE, &i, &end)) {
        put_together(job, i, walk->scratch.row);
        pack_row(&job->space.attended, i, walk->scratch.row);
    }
    team_barrier(walk->team);
}

// silu(gate) * up, panel by panel, straight to where the next product reads it.
static void inner_panel(const struct walk *walk, const struct layer *layer, int64_t panel) {
    struct job *job = walk->job;
    const struct activations *x = &job->space.normed;
    struct activations *inner = &job->space.inner;
    float *gate = walk->scratch.out, *up = gate + x->tiles * x->tile * PANEL;
    const struct panel both[] = {{&layer->gate, panel}, {&layer->up, panel}};
    job->set->products(both, 2, x, gate, walk->scratch.buffer);
    const int64_t first = panel * PANEL, left = inner->columns - first, count = left < PANEL ? left : PANEL;
    for (int64_t r = 0; r < x->rows; r++, gate += PANEL, up += PANEL) {
        for (int64_t i = 0; i < count; i++) {
            if (layer->gate.bias != NULL) gate[i] += layer->gate.bias[first + i];
            if (layer->up.bias != NULL) up[i] += layer->up.bias[first + i];
        }
        float product[PANEL];
        job->set->silu_times(gate, up, product);
        float *to = inner->data + (r / inner->tile * inner->columns + first) * inner->tile + r % inner->tile;
        for (int64_t i = 0; i < count; i++) to[i * inner->tile] = product[i];
    }
}

static void mlp_phases(const struct walk *walk, const struct layer *layer) {
    struct job *job = walk->job;
    int64_t panel, end;
    while (team_next(walk->team, matrix_panels(&layer->gate), 1, &panel, &end)) inner_panel(walk, layer, panel);
    team_barrier(walk->team);
    residual_phase(walk, &layer->down, &job->space.inner);
}

static void last_phases(const struct walk *walk) {
    struct job *job = walk->job;
    const struct llama *model = job->model;
    const int64_t rows = job->step->rows, first = rows - job->step->logits_rows;
    int64_t row, end;
    while (team_next(walk->team, rows, ROWS_AT_ONCE, &row, &end)) {
        if (row < first && job->step->tap_count == 0) continue;
        const float *x = job->space.x + row * model->hidden;
        job->set->rms_norm(x, model->final_norm.weight, (float)model->final_norm.eps, model->hidden, walk->scratch.row);
        keep_state(job, model->layer_count, row, walk->scratch.row);
        if (row >= first) pack_row(&job->space.last, row - first, walk->scratch.row);
    }
    team_barrier(walk->team);
    const struct matrix *head = &model->head;
    if (job->step->logits_rows > 0)
        product_phase(walk, &head, 1, &job->space.last, TO_ROWS, job->step->logits, model->vocabulary);
}

static void walk_through(struct team *team, int thread, void *argument) {
    struct job *job = argument;
    const struct llama *model = job->model;
    const struct walk walk = {team, job, scratch_of(&job->space, model, thread)};
    int64_t row, end;
    while (team_next(team, job->step->rows, ROWS_AT_ONCE, &row, &end))
        memcpy(job->space.x + row * model->hidden, model->embedding + job->step->tokens[row] * model->hidden,
               (size_t)model->hidden * sizeof(float));
    team_barrier(team);
    for (int64_t l = 0; l < model->layer_count; l++) {
        const struct layer *layer = model->layers + l;
        norm_phase(&walk, &layer->attention_norm, l);
        qkv_phase(&walk, layer);
        attention_phases(&walk, l);
        residual_phase(&walk, &layer->o, &job->space.attended);
        norm_phase(&walk, &layer->mlp_norm, -1);
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
