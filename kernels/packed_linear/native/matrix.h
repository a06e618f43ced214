// A weight matrix W (rows N, columns K) in a form that is exact, cut into panels of 16 rows; the last is filled up with
// 0.
//
// Within a panel the 16 rows lie side by side, so that a vector of 16 lanes holds one column of them:
//
//   F32     for each column: 16 floats
//   BF16    for each column: 16 upper halves of floats
//   Q8_0    for each 32 columns: 16 fp16 d, then for each 4 columns 16 words of 32 bits, a row each, whose lowest byte is
//           q + 128 of the first column, and so on                                             w = d q
//   Q4_1    for each 32 columns: 16 fp16 d, 16 fp16 m, then for each 8 columns 16 words of 32 bits, a row each, whose
//           lowest four bits are q of the first column, and so on                              w = d q + m
//
// fp16 times 4 or 8 bits is exact in fp32, so each w has one rounding, in whatever order it is computed. Products of few
// rows do without it: they sum integers, see products_body.h.
#ifndef OFFBOOK_MATRIX_H
#define OFFBOOK_MATRIX_H

#include <stdint.h>

enum { PANEL = 16, BLOCK = 32 };

enum matrix_kind { KIND_F32 = 0, KIND_BF16 = 1, KIND_Q8_0 = 2, KIND_Q4_1 = 3 };

struct matrix {
    int64_t kind;
    int64_t rows;
    int64_t columns;
    const uint8_t *data;
    const float *bias; // NULL for none; filled up to whole panels
};

static inline int has_blocks(int64_t kind) { return kind == KIND_Q4_1 || kind == KIND_Q8_0; }

// Bytes of `columns` columns of a panel (whole blocks of them, where the kind has blocks).
static inline int64_t panel_bytes(int64_t kind, int64_t columns) {
    switch (kind) {
    case KIND_Q4_1: return columns / BLOCK * (2 * 32 + 4 * 64);
    case KIND_Q8_0: return columns / BLOCK * (32 + BLOCK * 16);
    case KIND_BF16: return columns * 2 * PANEL;
    default: return columns * 4 * PANEL;
    }
}

static inline int64_t matrix_panels(const struct matrix *matrix) { return (matrix->rows + PANEL - 1) / PANEL; }

#endif
