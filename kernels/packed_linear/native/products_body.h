// Products y = x W^T with a panel of 16 weight rows in the lanes of a vector: one column of the panel is expanded to
// its exact fp32 weights and multiplied with that column's activation of every row of a tile. No sum runs across lanes.

// Blocks of Q4_1 and Q8_0 are not expanded where a tile has them to itself: with w = d q + m,
//
//   sum over a block of x w = d (sum of x q) + m (sum of x)
//
// The integers q are exact floats, multiplied by the power of two that is the place of their bits in a word: masking a
// word and converting it is all that they need. The activations come divided by that power (see `prepare`), which is
// exact. The sums of x over a block are taken once for all panels.

// Columns of a panel, where they end, and how much further the next ones lie that are likely to be read.
struct place {
    const uint8_t *data, *end;
    int64_t skip;
};

enum { SUMMED_COLUMNS = 256, BLOCKS_AHEAD = 8 };

// Few rows are summed in several parts, so that an addition need not wait for the last one.
ALWAYS_INLINE int parts_of(const int rows) { return rows == 1 ? 4 : rows <= 3 ? 2 : 1; }

// One column of one or two panels, whose 16 weights each are in a vector; they share the activations.
ALWAYS_INLINE void add_column(const lanes *weights, const int panels, const float *x, const int rows, lanes *sums) {
#pragma GCC unroll 24
    for (int r = 0; r < rows; r++) {
        const lanes activation = v_all(x[r]);
        sums[r] = v_fma(weights[0], activation, sums[r]);
        if (panels == 2) sums[rows + r] = v_fma(weights[1], activation, sums[rows + r]);
    }
}

ALWAYS_INLINE void fetch_ahead(const uint8_t *from, struct place place, const int lines) {
    if (from >= place.end) from += place.skip;
    for (int i = 0; i < lines; i++) prefetch(from + 64 * i);
}

// The sums of one block: its columns so far times their integers.
ALWAYS_INLINE void add_parts(lanes *parts, const int count, const int all) {
#pragma GCC unroll 4
    for (int part = 1; part < count; part++)
#pragma GCC unroll 24
        for (int i = 0; i < all; i++) parts[i] = v_add(parts[i], parts[part * all + i]);
}

// `sums` are the block sums of x, of each block and row.
ALWAYS_INLINE void block_product(const int kind, const struct place *data, const int panels, int64_t columns,
                                 const float *x, const float *sums, const int rows, float *const *out) {
    const int count = parts_of(rows), all = panels * rows, words_of_block = kind == KIND_Q4_1 ? 4 : 8;
    const int in_word = BLOCK / words_of_block, size = kind == KIND_Q4_1 ? 320 : 544;
    const uint8_t *panel[2] = {data[0].data, data[panels - 1].data};
    lanes totals[2 * LARGEST_TILE];
#pragma GCC unroll 24
    for (int i = 0; i < all; i++) totals[i] = v_zero();
    for (int64_t k = 0; k < columns; k += BLOCK, sums += rows) {
        lanes parts[2 * LARGEST_TILE + 8], integers[2];
#pragma GCC unroll 32
        for (int i = 0; i < count * all; i++) parts[i] = v_zero();
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++) fetch_ahead(panel[p] + BLOCKS_AHEAD * size, data[p], (size + 63) / 64);
        for (int word = 0; word < words_of_block; word++) {
            words packed[2];
#pragma GCC unroll 2
            for (int p = 0; p < panels; p++)
                packed[p] = v_words(panel[p] + (kind == KIND_Q4_1 ? 64 : 32) + 64 * word);
#pragma GCC unroll 8
            for (int i = 0; i < in_word; i++, x += rows) {
#pragma GCC unroll 2
                for (int p = 0; p < panels; p++) integers[p] = v_bits_in_place(packed[p], i, in_word);
                add_column(integers, panels, x, rows, parts + i % count * all);
            }
        }
        add_parts(parts, count, all);
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++) {
            const lanes d = v_fp16(panel[p]);
            const lanes m = kind == KIND_Q4_1 ? v_fp16(panel[p] + 32) : v_mul(d, v_all(-128.0f));
#pragma GCC unroll 12
            for (int r = 0; r < rows; r++) {
                lanes *total = totals + p * rows + r;
                *total = v_fma(parts[p * rows + r], d, v_fma(m, v_all(sums[r]), *total));
            }
            panel[p] += size;
        }
        if (panels == 1) panel[1] = panel[0];
    }
#pragma GCC unroll 2
    for (int p = 0; p < panels; p++)
#pragma GCC unroll 12
        for (int r = 0; r < rows; r++) v_store(out[p] + PANEL * r, totals[p * rows + r]);
}

// `kind`, `panels` and `rows` are constants wherever this is called, and all loops over them are unrolled. What is
// `continued` is added to the sums of the columns before.
ALWAYS_INLINE void tile_product(const int kind, const struct place *data, const int panels, int64_t columns,
                                const float *x, const int rows, int continued, float *const *out) {
    const int parts = parts_of(rows), all = panels * rows;
    const uint8_t *panel[2] = {data[0].data, data[panels - 1].data};
    lanes sums[2 * LARGEST_TILE + 8], weights[2];
#pragma GCC unroll 32
    for (int i = 0; i < parts * all; i++) sums[i] = v_zero();
    const int size = kind == KIND_BF16 ? 32 : 64;
    int64_t k = 0;
    for (; k + 4 <= columns; k += 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++, x += rows) {
#pragma GCC unroll 2
            for (int p = 0; p < panels; p++)
                weights[p] = kind == KIND_BF16 ? v_bf16(panel[p] + size * i)
                                               : v_load((const float *)(panel[p] + size * i));
            add_column(weights, panels, x, rows, sums + i % parts * all);
        }
        panel[0] += 4 * size;
        panel[1] += 4 * size;
    }
    for (; k < columns; k++, x += rows) {
#pragma GCC unroll 2
        for (int p = 0; p < panels; p++)
            weights[p] = kind == KIND_BF16 ? v_bf16(panel[p]) : v_load((const float *)panel[p]);
        add_column(weights, panels, x, rows, sums);
        panel[0] += size;
        panel[1] += size;
    }
#pragma GCC unroll 2
    for (int p = 0; p < panels; p++)
#pragma GCC unroll 24
        for (int r = 0; r < rows; r++) {
            lanes sum = sums[p * rows + r];
#pragma GCC unroll 4
            for (int part = 1; part < parts; part++) sum = v_add(sum, sums[part * all + p * rows + r]);
            if (continued) sum = v_add(sum, v_load(out[p] + PANEL * r));
            v_store(out[p] + PANEL * r, sum);
        }
}

ALWAYS_INLINE void one_tile(const int kind, const struct place *data, const int panels, int64_t columns, const float *x,
                            const float *block_sums, const int rows, int continued, float *const *out) {
    if (has_blocks(kind))
        block_product(kind, data, panels, columns, x, block_sums, rows, out);
    else
        tile_product(kind, data, panels, columns, x, rows, continued, out);
}

ALWAYS_INLINE void sized_product(const int kind, const struct place *data, const int panels, int64_t columns,
                                 const float *x, const float *block_sums, int64_t rows, int continued,
                                 float *const *out) {
    switch (rows) {
    case 1: one_tile(kind, data, panels, columns, x, block_sums, 1, continued, out); break;
    case 2: one_tile(kind, data, panels, columns, x, block_sums, 2, continued, out); break;
    case 3: one_tile(kind, data, panels, columns, x, block_sums, 3, continued, out); break;
    case 4: one_tile(kind, data, panels, columns, x, block_sums, 4, continued, out); break;
#if LARGEST_TILE_AT_LEAST_6
    case 5: one_tile(kind, data, panels, columns, x, block_sums, 5, continued, out); break;
    case 6: one_tile(kind, data, panels, columns, x, block_sums, 6, continued, out); break;
#endif
#if LARGEST_TILE_AT_LEAST_12
    case 7: one_tile(kind, data, panels, columns, x, block_sums, 7, continued, out); break;
    case 8: one_tile(kind, data, panels, columns, x, block_sums, 8, continued, out); break;
    case 10: one_tile(kind, data, panels, columns, x, block_sums, 10, continued, out); break;
    case 12: one_tile(kind, data, panels, columns, x, block_sums, 12, continued, out); break;
#endif
    default: __builtin_trap(); // shape_tiles gives no other size
    }
}

// One function for each kind.
static void product_f32(const struct place *data, int64_t columns, const float *x, int64_t rows, int continued,
                        float *const *out) {
    sized_product(KIND_F32, data, AT_ONCE, columns, x, NULL, rows, continued, out);
}
static void product_bf16(const struct place *data, int64_t columns, const float *x, int64_t rows, int continued,
                         float *const *out) {
    sized_product(KIND_BF16, data, AT_ONCE, columns, x, NULL, rows, continued, out);
}
static void product_q8_0(const struct place *data, int64_t columns, const float *x, const float *block_sums,
                         int64_t rows, float *const *out) {
    sized_product(KIND_Q8_0, data, AT_ONCE, columns, x, block_sums, rows, 0, out);
}
static void product_q4_1(const struct place *data, int64_t columns, const float *x, const float *block_sums,
                         int64_t rows, float *const *out) {
    sized_product(KIND_Q4_1, data, AT_ONCE, columns, x, block_sums, rows, 0, out);
}

// The fp32 weights of `columns` columns, for many tiles to share.
static void expand(int64_t kind, const uint8_t *panel, int64_t columns, float *weights) {
    if (kind == KIND_Q4_1) {
        for (int64_t k = 0; k < columns; k += BLOCK, panel += 320) {
            const lanes d = v_fp16(panel), m = v_fp16(panel + 32);
            for (int word = 0; word < 4; word++) {
                const nibbles packed = v_nibbles(panel + 64 + 64 * word);
#pragma GCC unroll 8
                for (int i = 0; i < 8; i++, weights += PANEL) v_store(weights, v_fma(v_nibble(packed, i), d, m));
            }
        }
    } else if (kind == KIND_Q8_0) {
        for (int64_t k = 0; k < columns; k += BLOCK, panel += 544) {
            const lanes d = v_mul(v_fp16(panel), v_all(BYTE_FACTOR));
            const lanes base = v_mul(v_fp16(panel), v_all(BYTE_BASE));
            for (int word = 0; word < 8; word++) {
                const words packed = v_words(panel + 32 + 64 * word);
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++, weights += PANEL) v_store(weights, v_fma(v_byte(packed, i), d, base));
            }
        }
    } else {
        for (int64_t k = 0; k < columns; k++, panel += 32, weights += PANEL) v_store(weights, v_bf16(panel));
    }
}

static void shared_product(int64_t kind, const struct place *data, int64_t columns, const struct activations *x,
                           float *const *out, float *buffer) {
    for (int64_t k = 0; k < columns; k += PRODUCT_CHUNK) {
        const int64_t some = columns - k < PRODUCT_CHUNK ? columns - k : PRODUCT_CHUNK;
        struct place weights[AT_ONCE];
        for (int p = 0; p < AT_ONCE; p++) {
            weights[p] = data[p];
            weights[p].data += panel_bytes(kind, k);
            if (kind == KIND_F32) continue;
            float *expanded = buffer + p * PANEL * PRODUCT_CHUNK;
            expand(kind, weights[p].data, some, expanded);
            weights[p].data = (const uint8_t *)expanded;
        }
        for (int64_t t = 0; t < x->tiles; t++) {
            float *to[AT_ONCE];
            for (int p = 0; p < AT_ONCE; p++) to[p] = out[p] + t * x->tile * PANEL;
            product_f32(weights, some, x->data + (t * columns + k) * x->tile, x->tile, k > 0, to);
        }
    }
}

static void blocks_product(int64_t kind, const struct place *data, int64_t columns, const struct activations *x,
                           float *const *out) {
    for (int64_t t = 0; t < x->tiles; t++) {
        const float *sums = x->block_sums + t * columns / BLOCK * x->tile;
        const int64_t first = t * columns * x->tile;
        float *to[AT_ONCE];
        for (int p = 0; p < AT_ONCE; p++) to[p] = out[p] + t * x->tile * PANEL;
        if (kind == KIND_Q4_1)
            product_q4_1(data, columns, x->of_nibbles + first, sums, x->tile, to);
        else
            product_q8_0(data, columns, x->of_bytes + first, sums, x->tile, to);
    }
}

// AT_ONCE panels of one kind. Where a sum is taken in one part, it is taken over some columns at a time: long sums err
// more.
static void product(int64_t kind, const struct place *data, int64_t columns, const struct activations *x,
                    float *const *out, float *buffer) {
    if (x->tiles <= MOST_TILES_OF_BLOCKS && has_blocks(kind)) {
        blocks_product(kind, data, columns, x, out);
        return;
    }
    if (x->tiles > 1) {
        shared_product(kind, data, columns, x, out, buffer);
        return;
    }
    const int64_t chunk = parts_of((int)x->tile) > 1 ? columns : SUMMED_COLUMNS;
    for (int64_t k = 0; k < columns; k += chunk) {
        struct place from[AT_ONCE];
        for (int p = 0; p < AT_ONCE; p++) {
            from[p] = data[p];
            from[p].data += panel_bytes(kind, k);
        }
        const int64_t some = columns - k < chunk ? columns - k : chunk;
        (kind == KIND_BF16 ? product_bf16 : product_f32)(from, some, x->data + k * x->tile, x->tile, k > 0, out);
    }
}

// Where AT_ONCE is two, a panel without a partner of its kind is its own, whose results go where nobody reads them.
static void products(const struct panel *panels, int count, const struct activations *x, float *out, float *buffer) {
    const int64_t columns = panels[0].matrix->columns, size = x->tiles * x->tile * PANEL;
    struct place data[PANELS_AT_ONCE];
    float *to[PANELS_AT_ONCE];
    for (int p = 0; p < count; p++) {
        const struct matrix *matrix = panels[p].matrix;
        const int64_t bytes = panel_bytes(matrix->kind, columns);
        const uint8_t *start = matrix->data + panels[p].index * bytes;
        data[p] = (struct place){start, start + bytes, AT_ONCE == 1 ? 0 : (panels[p].ahead - 1) * bytes};
        to[p] = out + p * size;
    }
    if (count == AT_ONCE && panels[0].matrix->kind == panels[count - 1].matrix->kind) {
        product(panels[0].matrix->kind, data, columns, x, to, buffer);
        return;
    }
    for (int p = 0; p < count; p++) {
        const struct place same[PANELS_AT_ONCE] = {data[p], data[p]};
        float *there[PANELS_AT_ONCE] = {to[p], out + PANELS_AT_ONCE * size};
        product(panels[p].matrix->kind, same, columns, x, there, buffer);
    }
}

static void shape_tiles(struct activations *x) {
    x->tiles = (x->rows + LARGEST_TILE - 1) / LARGEST_TILE;
    const int64_t rows = (x->rows + x->tiles - 1) / x->tiles;
    x->tile = rows <= 8 ? rows : rows <= 10 ? 10 : 12;
}
