// Everything in plain C.
#include <math.h>
#include <string.h>

#include "instruction_set.h"
#include "lanes_portable.h"

#define LARGEST_TILE_AT_LEAST_6 0
#define LARGEST_TILE_AT_LEAST_12 0
#include "products_body.h"
#include "elementwise_body.h"
#include "../../tree_attention/native/attention_body.h"

const struct instruction_set instruction_set_portable = {
    LANES_TITLE, shape_tiles, products, norm_factor, silu_times, attend,
};
