// The whole step of Llama's shape: all threads walk through its phases together, with a barrier behind each. Within a
// phase they take rows, panels of weights or units of attention as they come.
#include "llama.h"

#include <string.h>

#include "../../../../kernels/packed_linear/native/pool.h"
#include "attention.h"

enum { ROWS_AT_ONCE = 1, UNITS_AT_ONCE = 1, HEADS_AT_ONCE = 1, COLUMNS_AT_ONCE = 64, BYTES_AHEAD = 49152 };

struct walk {
    struct team *team;
    struct job *job;
    int thread;
    struct scratch scratch;
};

// Matrices that are multiplied side by side with the same activations.
struct side_by_side {
    const struct matrix *matrices[3];
    int count;
};

static struct side_by_side qkv_of(const struct layer *layer) {
    return (struct side_by_side){{&layer->q, &layer->k, &layer->v}, 3};
}

static struct side_by_side alone(const struct matrix *matrix) { return (struct side_by_side){{matrix}, 1}; }

static struct turns turns_in(const struct walk *walk, int64_t count, int64_t smallest) {
    return turns_of(walk->team, walk->thread, count, smallest);
}

static struct turns turns_in_panels(const struct walk *walk, const struct side_by_side *all) {
    int64_t panels = 0;
    for (int m = 0; m < all->count; m++) panels += matrix_panels(all->matrices[m]);
    return turns_in(walk, panels, PANELS_AT_ONCE);
}

// Which of the matrices has this panel of them all; the panel becomes the one of that matrix.
static int matrix_of(const struct side_by_side *all, int64_t *panel) {
    int m = 0;
    for (; *panel >= matrix_panels(all->matrices[m]); m++) *panel -= matrix_panels(all->matrices[m]);
    return m;
}

static const uint8_t *panel_data(const struct matrix *matrix, int64_t panel) {
    return matrix->data + panel * panel_bytes(matrix->kind, matrix->columns);
}

// What the matrices have for this thread's first turn is fetched meanwhile.
static void wait_before(const struct walk *walk, const struct side_by_side next) {
    const struct turns turns = turns_in_panels(walk, &next);
    int64_t panel = first_item(&turns);
    const int m = panel < turns.count ? matrix_of(&next, &panel) : 0;
    const struct matrix *matrix = next.matrices[m];
    if (panel >= matrix_panels(matrix)) panel = 0;
    const struct ahead ahead = {{panel_data(matrix, panel), NULL}, BYTES_AHEAD};
    team_barrier(walk->team, &ahead);
}

static struct turns unit_turns(const struct walk *walk) {
    return turns_in(walk, walk->job->space.plan.units, UNITS_AT_ONCE);
}

static void wait_before_attention(const struct walk *walk, const struct layer *layer) {
    const struct turns turns = unit_turns(walk);
    const int64_t unit = first_item(&turns) < turns.count ? first_item(&turns) : 0;
    const struct ahead ahead = read_by_unit(walk->job, layer - walk->job->model->layers, unit, &walk->scratch);
    team_barrier(walk->team, &ahead);
}

static struct turns mlp_turns(const struct walk *walk, const struct layer *layer) {
    return turns_in(walk, matrix_panels(&layer->gate), 1);
}

static void wait_before_mlp(const struct walk *walk, const struct layer *layer) {
    const struct turns turns = mlp_turns(walk, layer);
    const int64_t panel = first_item(&turns) < turns.count ? first_item(&turns) : 0;
    const struct ahead ahead = {{panel_data(&layer->gate, panel), panel_data(&layer->up, panel)}, BYTES_AHEAD / 2};
    team_barrier(walk->team, &ahead);
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
static struct activations prepared(const struct walk *walk, const struct side_by_side *all,
                                   const struct activations *x) {
    struct activations own = *x;
    unsigned kinds = 0;
    for (int m = 0; m < all->count; m++) kinds |= 1u << all->matrices[m]->kind;
    prepare(&own, kinds, walk->scratch.prepared);
    return own;
}

// y = x W^T of several matrices side by side; no barrier is behind it.
static void product_phase(const struct walk *walk, const struct side_by_side all, const struct activations *shared,
                          enum destination destination, float *y, int64_t stride) {
    const struct activations own = prepared(walk, &all, shared), *x = &own;
    const int64_t size = x->tiles * x->tile * PANEL;
    struct turns turns = turns_in_panels(walk, &all);
    int64_t next, end;
    while (take_turn(&turns, &next, &end)) {
        while (next < end) {
            struct panel panels[PANELS_AT_ONCE];
            float *to[PANELS_AT_ONCE];
            int found = 0;
            for (; next < end && found < PANELS_AT_ONCE; next++, found++) {
                int64_t index = next;
                const int m = matrix_of(&all, &index);
                to[found] = y;
                for (int before = 0; before < m; before++) to[found] += all.matrices[before]->rows;
                panels[found] = (struct panel){all.matrices[m], index, PANELS_AT_ONCE};
            }
            walk->job->set->products(panels, found, x, walk->scratch.out, walk->scratch.buffer);
            for (int p = 0; p < found; p++)
                take_rows(panels + p, walk->scratch.out + p * size, x->rows, destination, to[p], stride);
        }
    }
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

// Where activations go: of few rows every thread makes all for itself, which is less than a barrier.
static struct activations place_of(const struct walk *walk, const struct activations *shared) {
    struct activations place = *shared;
    if (walk->scratch.own == NULL) return place;
    place.data = walk->scratch.own;
    pack_no_rows(&place);
    return place;
}

// The rows from `first` on. Threads take columns, of all rows: rows of a tile lie side by side, and threads that write
// to one line of the cache take it from each other.
static struct activations norm_phase(const struct walk *walk, const struct norm *norm, int64_t first,
                                     const struct activations *shared, const struct side_by_side next) {
    const int64_t hidden = walk->job->model->hidden;
    const float *x = walk->job->space.x + first * hidden;
    const struct activations out = place_of(walk, shared);
    float *factors = walk->scratch.factors;
    for (int64_t r = 0; r < out.rows; r++)
        factors[r] = walk->job->set->norm_factor(x + r * hidden, (float)norm->eps, hidden);
    const int own = walk->scratch.own != NULL;
    struct turns turns = turns_in(walk, hidden, COLUMNS_AT_ONCE);
    int64_t k = 0, end = hidden;
    while (own || take_turn(&turns, &k, &end)) {
        for (int64_t r = 0; r < out.rows; r++)
            norm_row(x + r * hidden, norm, factors[r], k, end, out.tile, activation_place(&out, r, k));
        if (own) return out;
    }
    wait_before(walk, next);
    return out;
}

static void qkv_phases(const struct walk *walk, const struct layer *layer) {
    const int64_t width = layer->q.rows + layer->k.rows + layer->v.rows;
    const struct activations x =
        norm_phase(walk, &layer->attention_norm, 0, &walk->job->space.normed, qkv_of(layer));
    product_phase(walk, qkv_of(layer), &x, TO_ROWS, walk->job->space.qkv, width);
    wait_before_attention(walk, layer);
}

// x += y W^T
static void residual_phase(const struct walk *walk, const struct matrix *matrix, const struct activations *y) {
    product_phase(walk, alone(matrix), y, ADDED_TO_ROWS, walk->job->space.x, walk->job->model->hidden);
}

static void attention_phases(const struct walk *walk, int64_t number) {
    struct job *job = walk->job;
    const struct layer *layer = job->model->layers + number;
    const int64_t heads = heads_of_row(job->model);
    int64_t i, end;
    struct turns all_heads = turns_in(walk, job->step->rows * heads, HEADS_AT_ONCE);
    while (take_turn(&all_heads, &i, &end))
        for (; i < end; i++) write_head(job, number, i / heads, i % heads);
    wait_before_attention(walk, layer);
    struct turns units = unit_turns(walk);
    while (take_turn(&units, &i, &end))
        for (; i < end; i++) attend_unit(job, number, i, &walk->scratch);
    wait_before(walk, alone(&layer->o));
}

static void put_head_together(const struct walk *walk, int64_t head, const struct activations *out) {
    const int64_t D = walk->job->model->head_dim;
    for (int64_t r = 0; r < out->rows; r++) {
        put_together(walk->job, r, head, walk->scratch.head);
        float *to = activation_place(out, r, head * D);
        for (int64_t d = 0; d < D; d++) to[d * out->tile] = walk->scratch.head[d];
    }
}

static void output_phases(const struct walk *walk, const struct layer *layer) {
    const struct activations attended = place_of(walk, &walk->job->space.attended);
    const int64_t heads = walk->job->model->heads;
    int64_t head = 0, end = heads;
    if (walk->scratch.own == NULL) {
        struct turns turns = turns_in(walk, heads, HEADS_AT_ONCE); // see norm_phase
        while (take_turn(&turns, &head, &end))
            for (; head < end; head++) put_head_together(walk, head, &attended);
        wait_before(walk, alone(&layer->o));
    } else {
        for (; head < heads; head++) put_head_together(walk, head, &attended);
    }
    residual_phase(walk, &layer->o, &attended);
    wait_before_mlp(walk, layer);
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

static void mlp_phases(const struct walk *walk, const struct layer *layer, const struct side_by_side next) {
    struct job *job = walk->job;
    const struct side_by_side both = {{&layer->gate, &layer->up}, 2};
    const struct activations normed = norm_phase(walk, &layer->mlp_norm, 0, &job->space.normed, alone(&layer->gate));
    const struct activations x = prepared(walk, &both, &normed);
    struct turns turns = mlp_turns(walk, layer);
    int64_t panel, end;
    while (take_turn(&turns, &panel, &end))
        for (; panel < end; panel++) inner_panel(walk, layer, &x, panel);
    wait_before(walk, alone(&layer->down));
    residual_phase(walk, &layer->down, &job->space.inner);
    wait_before(walk, next);
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
    const int64_t first = step->rows - step->logits_rows;
    const struct activations last =
        norm_phase(walk, &model->final_norm, first, &job->space.last, alone(&model->head));
    product_phase(walk, alone(&model->head), &last, TO_ROWS, step->logits, model->vocabulary);
}

static void walk_through(struct team *team, int thread, void *argument) {
    struct job *job = argument;
    const struct llama *model = job->model;
    const struct walk walk = {team, job, thread, scratch_of(&job->space, model, thread)};
    int64_t row, end;
    struct turns rows = turns_in(&walk, job->step->rows, ROWS_AT_ONCE);
    while (take_turn(&rows, &row, &end))
        for (; row < end; row++)
            memcpy(job->space.x + row * model->hidden, model->embedding + job->step->tokens[row] * model->hidden,
                   (size_t)model->hidden * sizeof(float));
    wait_before(&walk, qkv_of(model->layers));
    for (int64_t l = 0; l < model->layer_count; l++) {
        const struct layer *layer = model->layers + l;
        keep_states(&walk, l);
        qkv_phases(&walk, layer);
        attention_phases(&walk, l);
        output_phases(&walk, layer);
        mlp_phases(&walk, layer, l + 1 < model->layer_count ? qkv_of(layer + 1) : alone(&model->head));
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
