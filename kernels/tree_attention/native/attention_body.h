// Attention of the queries of one key/value head over a run of its keys: scores, softmax and weighted sum of values,
// Many queries lie in the lanes, one key after another; with few, keys do. Maxima and sums are handed out beside the
// outputs, so that runs can be put together.

enum { FEW_QUERIES = 9 };

// Where a score lies: at key * of_key + query * of_query.
struct score_places {
    int64_t of_key, of_query;
};

// A query sees nothing of a run: its weights are exp(-inf - 0) = 0, not exp(-inf + inf).
static inline lanes finite_or_zero(const float *maxima) {
    float some[16];
    for (int i = 0; i < 16; i++) some[i] = maxima[i] == -INFINITY ? 0.0f : maxima[i];
    return v_load(some);
}

// Scores of 16 queries and `count` keys; a constant, as above.
static inline __attribute__((always_inline)) void score_keys(const float *query_columns, int64_t stride,
                                                             const float *keys, int64_t head_dim, const int count,
                                                             float *scores) {
    lanes sums[ATTENTION_KEYS];
#pragma GCC unroll 8
    for (int s = 0; s < count; s++) sums[s] = v_zero();
    for (int64_t d = 0; d < head_dim; d++) {
        const lanes query = v_load(query_columns + d * stride);
#pragma GCC unroll 8
        for (int s = 0; s < count; s++) sums[s] = v_fma(query, v_all(keys[s * head_dim + d]), sums[s]);
    }
#pragma GCC unroll 8
    for (int s = 0; s < count; s++) v_store(scores + s * stride, sums[s]);
}

// Scores of one query and 16 keys; `count` of them are there.
static inline lanes score_16_keys(const float *query, const float *keys, int64_t head_dim, int count) {
    lanes sums[16];
    if (count == 16) {
#pragma GCC unroll 16
        for (int s = 0; s < 16; s++) sums[s] = v_zero();
        for (int64_t d = 0; d < head_dim; d += 16) {
            const lanes some = v_load(query + d);
#pragma GCC unroll 16
            for (int s = 0; s < 16; s++) sums[s] = v_fma(some, v_load(keys + s * head_dim + d), sums[s]);
        }
        return v_sums(sums);
    }
    float scores[16];
    for (int s = 0; s < 16; s++) {
        scores[s] = -INFINITY;
        if (s >= count) continue;
        lanes sum = v_zero();
        for (int64_t d = 0; d < head_dim; d += 16) sum = v_fma(v_load(query + d), v_load(keys + s * head_dim + d), sum);
        scores[s] = v_sum(sum);
    }
    return v_load(scores);
}

// Weighted sums of values, places [d, d + 16 or 32) of `rows` queries.
static inline __attribute__((always_inline)) void weigh_values(const float *weights, struct score_places at,
                                                               const float *values, int64_t keys, int64_t head_dim,
                                                               const int rows, int places, float *out) {
    lanes low[ATTENTION_ROWS], high[ATTENTION_ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) low[r] = high[r] = v_zero();
    if (places == 32) {
        for (int64_t s = 0; s < keys; s++, weights += at.of_key, values += head_dim) {
            const lanes a = v_load(values), b = v_load(values + 16);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                const lanes weight = v_all(weights[r * at.of_query]);
                low[r] = v_fma(a, weight, low[r]);
                high[r] = v_fma(b, weight, high[r]);
            }
        }
    } else {
        for (int64_t s = 0; s < keys; s++, weights += at.of_key, values += head_dim) {
            const lanes a = places >= 16 ? v_load(values) : v_load_some(values, places);
            const lanes b = places > 16 ? v_load_some(values + 16, places - 16) : v_zero();
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                const lanes weight = v_all(weights[r * at.of_query]);
                low[r] = v_fma(a, weight, low[r]);
                high[r] = v_fma(b, weight, high[r]);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        float both[32];
        v_store(both, low[r]);
        v_store(both + 16, high[r]);
        memcpy(out + r * head_dim, both, (size_t)places * sizeof *out);
    }
}

static void weigh_rows(const float *weights, struct score_places at, const float *values, int64_t keys, int64_t head_dim,
                       int64_t rows, int places, float *out) {
    switch (rows) {
    case 1: weigh_values(weights, at, values, keys, head_dim, 1, places, out); break;
    case 2: weigh_values(weights, at, values, keys, head_dim, 2, places, out); break;
#if LARGEST_TILE_AT_LEAST_12
    case 3: weigh_values(weights, at, values, keys, head_dim, 3, places, out); break;
    case 4: weigh_values(weights, at, values, keys, head_dim, 4, places, out); break;
    case 5: weigh_values(weights, at, values, keys, head_dim, 5, places, out); break;
    case 6: weigh_values(weights, at, values, keys, head_dim, 6, places, out); break;
    case 7: weigh_values(weights, at, values, keys, head_dim, 7, places, out); break;
    case 8: weigh_values(weights, at, values, keys, head_dim, 8, places, out); break;
#endif
    default: __builtin_trap();
    }
}

static void hide(const struct attention_part *part, struct score_places at) {
    const int64_t rows = part->queries / part->fold;
    for (int64_t row = 0; row < rows; row++) {
        float *scores = part->scores + row * part->fold * at.of_query;
        const int64_t oldest = part->oldest[row];
        for (int64_t s = part->first_key; s < part->end_key; s++) {
            if (s < part->length) {
                if (s >= oldest) { // and so are all up to `length`
                    s = part->length - 1;
                    continue;
                }
            } else {
                const int64_t column = s - part->length;
                if (part->visible[row * part->block_rows + column] && part->block_positions[column] >= oldest) continue;
            }
            for (int64_t i = 0; i < part->fold; i++)
                scores[(s - part->first_key) * at.of_key + i * at.of_query] = -INFINITY;
        }
    }
}

static void softmax_of_many(const struct attention_part *part, int64_t keys, int64_t stride) {
    for (int64_t q = 0; q < stride; q += 16) {
        lanes maximum = v_all(-INFINITY), sum = v_zero();
        for (int64_t s = 0; s < keys; s++) maximum = v_max(maximum, v_load(part->scores + s * stride + q));
        v_store(part->maxima + q, maximum);
        const lanes base = finite_or_zero(part->maxima + q);
        for (int64_t s = 0; s < keys; s++) {
            const lanes weight = v_exp(v_sub(v_load(part->scores + s * stride + q), base));
            v_store(part->scores + s * stride + q, weight);
            sum = v_add(sum, weight);
        }
        v_store(part->sums + q, sum);
    }
}

static void attend_many(const struct attention_part *part, const float *first_key, int64_t keys, int64_t stride) {
    const int64_t D = part->head_dim;
    const struct score_places at = {stride, 1};
    for (int64_t q = 0; q < stride; q += 16) {
        int64_t s = 0;
        for (; s + ATTENTION_KEYS <= keys; s += ATTENTION_KEYS)
            score_keys(part->query_columns + q, stride, first_key + s * D, D, ATTENTION_KEYS,
                       part->scores + s * stride + q);
        for (; s < keys; s++)
            score_keys(part->query_columns + q, stride, first_key + s * D, D, 1, part->scores + s * stride + q);
    }
    hide(part, at);
    softmax_of_many(part, keys, stride);
}

static void attend_few(const struct attention_part *part, const float *first_key, int64_t keys, int64_t stride) {
    const int64_t D = part->head_dim;
    const struct score_places at = {1, stride};
    const float *first_value = part->values + part->first_key * D;
    for (int64_t s = 0; s < keys; s += 16) {
        for (int64_t i = 0; i < 16 * D; i += 16) {
            prefetch(first_key + (s + 16) * D + i);
            prefetch(first_value + s * D + i);
        }
        for (int64_t q = 0; q < part->queries; q++)
            v_store(part->scores + q * stride + s, score_16_keys(part->query_rows + q * D, first_key + s * D, D,
                                                                 (int)(keys - s < 16 ? keys - s : 16)));
    }
    hide(part, at);
    for (int64_t q = 0; q < part->queries; q++) {
        float *scores = part->scores + q * stride;
        lanes largest = v_all(-INFINITY), sum = v_zero();
        for (int64_t s = 0; s < keys; s += 16) largest = v_max(largest, v_load(scores + s));
        const float maximum = v_largest(largest);
        const lanes base = v_all(maximum == -INFINITY ? 0.0f : maximum);
        for (int64_t s = 0; s < keys; s += 16) {
            const lanes weight = v_exp(v_sub(v_load(scores + s), base));
            v_store(scores + s, weight);
            sum = v_add(sum, weight);
        }
        part->maxima[q] = maximum;
        part->sums[q] = v_sum(sum);
    }
}

static void attend(const struct attention_part *part) {
    const int64_t keys = part->end_key - part->first_key, D = part->head_dim;
    const float *first_key = part->keys + part->first_key * D, *first_value = part->values + part->first_key * D;
    struct score_places at;
    if (part->queries <= FEW_QUERIES && D % 16 == 0) {
        at = (struct score_places){1, (keys + 15) / 16 * 16};
        attend_few(part, first_key, keys, at.of_query);
    } else {
        at = (struct score_places){(part->queries + 15) / 16 * 16, 1};
        attend_many(part, first_key, keys, at.of_key);
    }
    for (int64_t r = 0; r < part->queries; r += ATTENTION_ROWS) {
        const int64_t rows = part->queries - r < ATTENTION_ROWS ? part->queries - r : ATTENTION_ROWS;
        for (int64_t d = 0; d < D; d += 32)
            weigh_rows(part->scores + r * at.of_query, at, first_value + d, keys, D, rows,
                       (int)(D - d < 32 ? D - d : 32), part->outputs + r * D + d);
    }
}
