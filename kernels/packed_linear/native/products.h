// What Python calls through ctypes, and what the step of a model shares with it.
#ifndef OFFBOOK_PRODUCTS_H
#define OFFBOOK_PRODUCTS_H

#include "instruction_set.h"

#if defined(_WIN32)
#error "needs POSIX threads"
#endif
#define EXPORTED __attribute__((visibility("default")))

enum { PRODUCT_DONE = 0, PRODUCT_NO_SUCH_SET = 1, PRODUCT_NO_MEMORY = 2 };

// y (rows, N) = x (rows, K) W^T + b.
EXPORTED int offbook_product(const struct matrix *matrix, const float *x, int64_t rows, float *y, int threads,
                             const char *set);

// The name of the best instruction set of this machine (`name` NULL), or `name` again where it has it, or NULL.
EXPORTED const char *offbook_instruction_set(const char *name);

// Where column k of a row lies; the next column of it lies x->tile further.
static inline float *activation_place(const struct activations *x, int64_t row, int64_t k) {
    return x->data + (row / x->tile * x->columns + k) * x->tile + row % x->tile;
}

// Puts a row in its place among the activations; `pack_no_rows` fills up the last tile.
void pack_row(struct activations *x, int64_t row, const float *from);
void pack_no_rows(struct activations *x);

// How many floats `prepare` needs room for.
int64_t prepared_size(const struct activations *x);

// Fills what the activations need for matrices of these kinds (bit k for kind k), in `room`.
void prepare(struct activations *x, unsigned kinds, float *room);

#endif
