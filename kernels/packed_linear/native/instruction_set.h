// What is written once for each instruction set. Every one computes the same; sums are taken in another order.
#ifndef OFFBOOK_INSTRUCTION_SET_H
#define OFFBOOK_INSTRUCTION_SET_H

#include <stdint.h>

#include "matrix.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

// Activation rows in the order products read them: tiles of `tile` rows (the last is filled up with 0), within a tile
// column by column. Row r, column k lies at data[(r / tile * columns + k) * tile + r % tile].
struct activations {
    int64_t rows;
    int64_t columns;
    int64_t tile;
    int64_t tiles;
    float *data;
    // What `prepare` makes of `data` for matrices of blocks, in the same order: each column divided by the place of its
    // nibble or byte in a word; and the sums over each block of columns, (tiles, columns / BLOCK, tile).
    float *of_nibbles, *of_bytes, *block_sums;
};

// Up to so many tiles expand the integers of blocks each for itself; more of them share the expanded weights.
enum { MOST_TILES_OF_BLOCKS = 3 };

// `ahead`: how many panels further in memory the one lies that is likely to be next, so that it can be fetched.
struct panel {
    const struct matrix *matrix;
    int64_t index, ahead;
};

enum { PANELS_AT_ONCE = 2 };

// Queries of one key/value head against a run of its keys and values; see attention_body.h.
struct attention_part {
    int64_t queries;          // R
    int64_t head_dim;         // D
    int64_t first_key, end_key;
    const float *query_rows;    // (R, D): scaled
    const float *query_columns; // (D, R filled up to 16): the same
    const float *keys, *values; // (key, D)
    // Which keys a query sees, for all of them that share a row of the block: those below `length` from position
    // `oldest` on, and behind `length` those at such a position whose byte is set in its row of `visible`.
    int64_t fold;                   // queries r * fold ... belong to row r
    int64_t length;
    const int64_t *oldest;     // of each row
    const int64_t *block_positions;
    const uint8_t *visible;    // (rows, block_rows)
    int64_t block_rows;
    float *scores; // scratch: (R filled up to 16) times (keys + 16)
    float *maxima, *sums, *outputs; // (R filled up to 16) twice, (R, D): not divided by the sums
};

struct instruction_set {
    const char *name;
    // How many rows a tile has when there are so many; fills `tile` and `tiles`.
    void (*shape_tiles)(struct activations *x);
    // out (count, tiles * tile, 16): every row times each of one or two panels, which have equally many columns. `out`
    // has room for PANELS_AT_ONCE + 1, `buffer` PANELS_AT_ONCE * PANEL * PRODUCT_CHUNK floats.
    void (*products)(const struct panel *panels, int count, const struct activations *x, float *out, float *buffer);
    float (*norm_factor)(const float *x, float eps, int64_t n); // of RMSNorm: 1 / sqrt(mean(x^2) + eps)
    void (*silu_times)(const float *gate, const float *up, float *out); // 16 lanes
    void (*attend)(const struct attention_part *part);
};

enum { PRODUCT_CHUNK = 128 }; // columns that are expanded at once where tiles share them

// The best that this machine has and its system allows, or the one so called; NULL if it has none of that name.
const struct instruction_set *instruction_set(const char *name);

#endif
