// Attention of a step: queries and keys are turned, keys and values written to the caches, units taken by threads and
// the runs of each row put together.
#include "attention.h"

#include <math.h>
#include <string.h>

// Pairs of a half-split head: (x_i, x_{i + D/2}) is turned by the angle of the row's position.
static void turn(float *head, const float *cosines, const float *sines, int64_t D) {
    for (int64_t i = 0; i < D / 2; i++) {
        const float a = head[i], b = head[i + D / 2];
        head[i] = a * cosines[i] - b * sines[i];
        head[i + D / 2] = b * cosines[i + D / 2] + a * sines[i + D / 2];
    }
}

static void norm_and_turn(const struct job *job, const struct norm *norm, float *head, int64_t position) {
    const int64_t D = job->model->head_dim;
    if (norm->weight != NULL) {
        const float factor = job->set->norm_factor(head, (float)norm->eps, D);
        for (int64_t i = 0; i < D; i++) head[i] = norm->weight[i] * (head[i] * factor);
    }
    turn(head, job->step->cosines + position * D, job->step->sines + position * D, D);
}

static float *cache_row(const struct job *job, const struct sequence *one, int64_t plane, int64_t head, int64_t row) {
    return one->storage + ((plane * job->model->kv_heads + head) * one->capacity + row) * job->model->head_dim;
}

int64_t heads_of_row(const struct llama *model) { return model->heads + 2 * model->kv_heads; }

void write_head(const struct job *job, int64_t layer, int64_t row, int64_t number) {
    const struct llama *model = job->model;
    const struct layer *weights = model->layers + layer;
    const struct sequence *one = job->step->sequences + job->space.sequence_of[row];
    const int64_t D = model->head_dim, position = job->step->positions[row];
    const int64_t place = one->length + row - one->first_row, g = (number - model->heads) % model->kv_heads;
    float *head = job->space.qkv + (row * heads_of_row(model) + number) * D;
    if (number < model->heads) {
        norm_and_turn(job, &weights->q_norm, head, position);
        for (int64_t i = 0; i < D; i++) head[i] *= (float)model->scale;
        return;
    }
    const int is_key = number < model->heads + model->kv_heads;
    if (is_key) norm_and_turn(job, &weights->k_norm, head, position);
    memcpy(cache_row(job, one, is_key ? layer : model->layer_count + layer, g, place), head, (size_t)D * sizeof *head);
}

// A unit, and the positions of its sequence that its rows see of the cache or write themselves: [begin, end).
struct unit {
    const struct sequence *sequence;
    int64_t first, rows; // of the sequence's
    int64_t head;        // of keys and values
    int64_t first_key, end_key;
};

// Also fills `oldest`, the first position that each row sees.
static struct unit find_unit(const struct job *job, int64_t layer, int64_t number, int64_t *oldest) {
    const struct workspace *space = &job->space;
    const struct attention_plan *plan = &space->plan;
    int64_t s = 0;
    while (s + 1 < job->step->sequence_count && plan->first_unit[s + 1] <= number) s++;
    const struct sequence *one = job->step->sequences + s;
    const int64_t place = number - plan->first_unit[s], run = place % plan->runs;
    const int64_t first = place / plan->runs / job->model->kv_heads * plan->rows_of_unit;
    const int64_t rows = one->rows - first < plan->rows_of_unit ? one->rows - first : plan->rows_of_unit;
    const int64_t window = job->model->layers[layer].window;
    int64_t begin = one->length, end = 0;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t row = one->first_row + first + r, position = job->step->positions[row];
        oldest[r] = window > 0 && position >= window ? position - window + 1 : 0;
        if (oldest[r] < begin) begin = oldest[r];
        if (space->end_of[row] > end) end = space->end_of[row];
    }
    const int64_t keys = end + one->length - begin;
    return (struct unit){
        .sequence = one,
        .first = first,
        .rows = rows,
        .head = place / plan->runs % job->model->kv_heads,
        .first_key = begin + keys * run / plan->runs,
        .end_key = begin + keys * (run + 1) / plan->runs,
    };
}

struct ahead read_by_unit(const struct job *job, int64_t layer, int64_t number, const struct scratch *scratch) {
    const struct unit unit = find_unit(job, layer, number, scratch->oldest);
    const float *keys = cache_row(job, unit.sequence, layer, unit.head, unit.first_key);
    const float *values = cache_row(job, unit.sequence, job->model->layer_count + layer, unit.head, unit.first_key);
    const int64_t size = (unit.end_key - unit.first_key) * job->model->head_dim * (int64_t)sizeof(float);
    return (struct ahead){{(const uint8_t *)keys, (const uint8_t *)values}, size};
}

void attend_unit(const struct job *job, int64_t layer, int64_t number, const struct scratch *scratch) {
    const struct llama *model = job->model;
    const struct workspace *space = &job->space;
    const struct attention_plan *plan = &space->plan;
    const struct unit unit = find_unit(job, layer, number, scratch->oldest);
    const struct sequence *one = unit.sequence;
    const int64_t first = unit.first, rows = unit.rows, g = unit.head, run = number % plan->runs;
    const int64_t D = model->head_dim, fold = plan->fold, queries = rows * fold, stride = (queries + 15) / 16 * 16;
    const int64_t width = heads_of_row(model) * D;
    const struct attention_part part = {
        .queries = queries,
        .head_dim = D,
        .first_key = unit.first_key,
        .end_key = unit.end_key,
        .query_rows = scratch->query_rows,
        .query_columns = scratch->query_columns,
        .keys = cache_row(job, one, layer, g, 0),
        .values = cache_row(job, one, model->layer_count + layer, g, 0),
        .fold = fold,
        .length = one->length,
        .oldest = scratch->oldest,
        .block_positions = job->step->positions + one->first_row,
        .visible = one->visible + first * one->rows,
        .block_rows = one->rows,
        .scores = scratch->scores,
        .maxima = scratch->maxima,
        .sums = scratch->sums,
        .outputs = scratch->outputs,
    };
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < fold; i++) {
            const float *query = space->qkv + (one->first_row + first + r) * width + (g * fold + i) * D;
            memcpy(scratch->query_rows + (r * fold + i) * D, query, (size_t)D * sizeof *query);
            for (int64_t d = 0; d < D; d++) scratch->query_columns[d * stride + r * fold + i] = query[d];
        }
    for (int64_t d = 0; d < D; d++)
        for (int64_t q = queries; q < stride; q++) scratch->query_columns[d * stride + q] = 0;
    job->set->attend(&part);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < fold; i++) {
            const int64_t q = r * fold + i;
            const int64_t to = ((one->first_row + first + r) * model->heads + g * fold + i) * plan->runs + run;
            space->maxima[to] = scratch->maxima[q];
            space->sums[to] = scratch->sums[q];
            memcpy(space->outputs + to * D, scratch->outputs + q * D, (size_t)D * sizeof(float));
        }
}

void put_together(const struct job *job, int64_t row, int64_t head, float *out) {
    const struct llama *model = job->model;
    const struct workspace *space = &job->space;
    const int64_t D = model->head_dim, runs = space->plan.runs, from = (row * model->heads + head) * runs;
    float maximum = -INFINITY, sum = 0;
    for (int64_t run = 0; run < runs; run++)
        if (space->maxima[from + run] > maximum) maximum = space->maxima[from + run];
    memset(out, 0, (size_t)D * sizeof *out);
    for (int64_t run = 0; run < runs; run++) {
        if (space->sums[from + run] == 0) continue; // nothing of this run is seen
        const float factor = runs == 1 ? 1.0f : expf(space->maxima[from + run] - maximum);
        const float *part = space->outputs + (from + run) * D;
        sum += factor * space->sums[from + run];
        for (int64_t d = 0; d < D; d++) out[d] += factor * part[d];
    }
    const float share = 1.0f / sum;
    for (int64_t d = 0; d < D; d++) out[d] *= share;
}
