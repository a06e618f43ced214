// Products y = x W^T with a panel of 16 weight rows in the lanes of a vector: one column of the panel is expanded to its
// exact fp32 weights and multiplied with that column's activation of every row of a tile. No sum runs across lanes.

// A byte of Q8_0, q + 128, comes as a float f with d q = f (d BYTE_FACTOR) + d BYTE_BASE, one rounding in all: see lanes_*.h.

// Few rows are summed in several parts, so that an addition need not wait for the last one.
ALWAYS_INLINE int parts_of(const int rows) { return rows == 1 ? 4 : rows <= 3 ? 2 : 1; }

ALWAYS_INLINE void add_column(lanes weight, const float *x, const int rows, lanes *sums) {
#pragma GCC unroll 24
    for (int r = 0; r < rows; r++) sums[r] = v_fma(weight, v_all(x[r]), sums[r]);
}

// `rows` and `kind` are constants wherever this is called, and all loops over them are unrolled.
ALWAYS_INLINE void tile_product(const int kind, const uint8_t *panel, int64_t columns, const float *x, const int rows,
                                const int continued, float *out) {
    const int parts = parts_of(rows);
    lanes sums[LARGEST_TILE + 4];
#pragma GCC unroll 28
    for (int i = 0; i < parts * rows; i++) sums[i] = v_zero();
    if (kind == KIND_Q4_1) {
        for (int64_t k = 0; k < columns; k += BLOCK, panel += 320) {
            const lanes d = v_fp16(panel), m = v_fp16(panel + 32);
            for (int i = 0; i < 5; i++) prefetch(panel + 1280 + 64 * i);
            for (int word = 0; word < 4; word++) {
                const nibbles packed = v_nibbles(panel + 64 + 64 * word);
#pragma GCC unroll 8
                for (int i = 0; i < 8; i++, x += rows)
                    add_column(v_fma(v_nibble(packed, i), d, m), x, rows, sums + i % parts * rows);
            }
        }
    } else if (kind == KIND_Q8_0) {
        for (int64_t k = 0; k < columns; k += BLOCK, panel += 544) {
            const lanes d = v_mul(v_fp16(panel), v_all(BYTE_FACTOR));
            const lanes base = v_mul(v_fp16(panel), v_all(BYTE_BASE));
            for (int i = 0; i < 9; i++) prefetch(panel + 1536 + 64 * i);
            for (int word = 0; word < 8; word++) {
                const words packed = v_words(panel + 32 + 64 * word);
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++, x += rows)
                    add_column(v_fma(v_byte(packed, i), d, base), x, rows, sums + i % parts * rows);
            }
        }
    } else {
        const int size = kind == KIND_BF16 ? 32 : 64;
        int64_t k = 0;
        for (; k + 4 <= columns; k += 4) {
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++, x += rows, panel += size)
                add_column(kind == KIND_BF16 ? v_bf16(panel) : v_load((const float *)panel), x, rows,
                           sums + i % parts * rows);
        }
        for (; k < columns; k++, x += rows, panel += size)
            add_column(kind == KIND_BF16 ? v_bf16(panel) : v_load((const float *)panel), x, rows, sums);
    }
#pragma GCC unroll 24
    for (int r = 0; r < rows; r++) {
        lanes sum = sums[r];
#pragma GCC unroll 4
        for (int part = 1; part < parts; part++) sum = v_add(sum, sums[part * rows + r]);
        if (continued) sum = v_add(sum, v_load(out + PANEL * r));
        v_store(out + PANEL * r, sum);
    }
}

ALWAYS_INLINE void sized_product(const int kind, const uint8_t *panel, int64_t columns, const float *x, int64_t rows,
                                 const int continued, float *out) {
    switch (rows) {
    case 1: tile_product(kind, panel, columns, x, 1, continued, out); break;
    case 2: tile_product(kind, panel, columns, x, 2, continued, out); break;
    case 3: tile_product(kind, panel, columns, x, 3, continued, out); break;
    case 4: tile_product(kind, panel, columns, x, 4, continued, out); break;
#if LARGEST_TILE_AT_LEAST_6
    case 5: tile_product(kind, panel, columns, x, 5, continued, out); break;
    case 6: tile_product(kind, panel, columns, x, 6, continued, out); break;
#endif
#if LARGEST_TILE_AT_LEAST_24
    case 7: tile_product(kind, panel, columns, x, 7, continued, out); break;
    case 8: tile_product(kind, panel, columns, x, 8, continued, out); break;
    case 12: tile_product(kind, panel, columns, x, 12, continued, out); break;
    case 16: tile_product(kind, panel, columns, x, 16, continued, out); break;
    case 24: tile_product(kind, panel, columns, x, 24, continued, out); break;
#endif
    default: __builtin_trap(); // shape_tiles gives no other size
    }
}

static void product_f32(const uint8_t *panel, int64_t columns, const float *x, int64_t rows, float *out) {
    sized_product(KIND_F32, panel, columns, x, rows, 0, out);
}
static void product_bf16(const uint8_t *panel, int64_t columns, const float *x, int64_t rows, float *out) {
    sized_product(KIND_BF16, panel, columns, x, rows, 0, out);
}
static void product_q8_0(const uint8_t *panel, int64_t columns, const float *x, int64_t rows, float *out) {
    sized_product(KIND_Q8_0, panel, columns, x, rows, 0, out);
}
static void product_q4_1(const uint8_t *panel, int64_t columns, const float *x, int64_t rows, float *out) {
    sized_product(KIND_Q4_1, panel, columns, x, rows, 0, out);
}
static void continued_product(const float *weights, int64_t columns, const float *x, int64_t rows, float *out) {
    sized_product(KIND_F32, (const uint8_t *)weights, columns, x, rows, 1, out);
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

static void panel_product(const struct matrix *matrix, int64_t panel, const struct activations *x, float *out,
                          float *buffer) {
    const int64_t columns = matrix->columns;
    const uint8_t *data = matrix->data + panel * panel_bytes(matrix->kind, columns);
    if (x->tiles == 1) {
        switch (matrix->kind) {
        case KIND_Q4_1: product_q4_1(data, columns, x->data, x->tile, out); break;
        case KIND_Q8_0: product_q8_0(data, columns, x->data, x->tile, out); break;
        case KIND_BF16: product_bf16(data, columns, x->data, x->tile, out); break;
        default: product_f32(data, columns, x->data, x->tile, out);
        }
        return;
    }
    memset(out, 0, (size_t)(x->tiles * x->tile * PANEL) * sizeof *out);
    for (int64_t k = 0; k < columns; k += PRODUCT_CHUNK) {
        const int64_t some = columns - k < PRODUCT_CHUNK ? columns - k : PRODUCT_CHUNK;
        const uint8_t *from = data + panel_bytes(matrix->kind, k);
        const float *weights = (const float *)from;
        if (matrix->kind != KIND_F32) {
            expand(matrix->kind, from, some, buffer);
            weights = buffer;
        }
        for (int64_t t = 0; t < x->tiles; t++)
            continued_product(weights, some, x->data + (t * columns + k) * x->tile, x->tile, out + t * x->tile * PANEL);
    }
}

static void shape_tiles(struct activations *x) {
    x->tiles = (x->rows + LARGEST_TILE - 1) / LARGEST_TILE;
    const int64_t rows = (x->rows + x->tiles - 1) / x->tiles;
    x->tile = rows <= 8 ? rows : rows <= 12 ? 12 : rows <= 16 ? 16 : 24;
}
