// Everything of one instruction set: AVX2 with FMA.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "instruction_set.h"
#include "lanes_avx2.h"
#include "lanes_exp.h"

#define LARGEST_TILE_AT_LEAST_6 1
#define LARGEST_TILE_AT_LEAST_12 0
#include "products_body.h"
#include "elementwise_body.h"
#include "../../tree_attention/native/attention_body.h"

const struct instruction_set instruction_set_avx2 = {
    LANES_TITLE, shape_tiles, products, norm_factor, silu_times, attend,
};

#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int no_empty_file;
#endif
