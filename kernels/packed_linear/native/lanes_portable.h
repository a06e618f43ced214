// Sixteen floats in the vectors of GCC and Clang, which they cut into what a processor has.
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES_TITLE "portable"
enum { AT_ONCE = 1, LARGEST_TILE = 4, ATTENTION_KEYS = 4, ATTENTION_ROWS = 2 };

typedef float lanes __attribute__((vector_size(64)));
typedef int32_t words __attribute__((vector_size(64)));
typedef uint16_t halves16 __attribute__((vector_size(32)));

static inline lanes v_load(const float *p) {
    lanes y;
    memcpy(&y, p, sizeof y);
    return y;
}
static inline void v_store(float *p, lanes x) { memcpy(p, &x, sizeof x); }
static inline lanes v_zero(void) { return (lanes){0}; }
static inline lanes v_all(float x) { return (lanes){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
static inline lanes v_load_some(const float *p, int n) {
    float some[16] = {0};
    for (int i = 0; i < n; i++) some[i] = p[i];
    return v_load(some);
}
static inline lanes v_add(lanes a, lanes b) { return a + b; }
static inline lanes v_sub(lanes a, lanes b) { return a - b; }
static inline lanes v_mul(lanes a, lanes b) { return a * b; }
static inline lanes v_div(lanes a, lanes b) { return a / b; }
static inline lanes v_fma(lanes a, lanes b, lanes c) { return a * b + c; } // fused where the compiler can
static inline lanes v_max(lanes a, lanes b) { // b where one is NaN, as vector instructions have it
    for (int i = 0; i < 16; i++) b[i] = a[i] > b[i] ? a[i] : b[i];
    return b;
}
static inline float v_sum(lanes x) {
    float sum = 0;
    for (int i = 0; i < 16; i++) sum += x[i];
    return sum;
}
static inline float v_largest(lanes x) {
    float largest = x[0];
    for (int i = 1; i < 16; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}
static inline lanes v_sums(const lanes v[16]) {
    lanes sums;
    for (int i = 0; i < 16; i++) sums[i] = v_sum(v[i]);
    return sums;
}
static inline float fp16_to_fp32(uint16_t half) {
    const uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = (half >> 10) & 31, fraction = half & 1023;
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
    const uint32_t bits = sign | (exponent == 31 ? 255u : exponent + 112u) << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static inline lanes v_fp16(const void *p) {
    uint16_t halves[16];
    float values[16];
    memcpy(halves, p, sizeof halves);
    for (int i = 0; i < 16; i++) values[i] = fp16_to_fp32(halves[i]);
    return v_load(values);
}
static inline lanes v_bf16(const void *p) {
    halves16 halves;
    memcpy(&halves, p, sizeof halves);
    return (lanes)(__builtin_convertvector(halves, words) << 16);
}
static inline words v_words(const void *p) {
    words w;
    memcpy(&w, p, sizeof w);
    return w;
}
#define BYTE_FACTOR 1.0f
#define BYTE_BASE -128.0f
static inline lanes v_byte(words w, int i) { return __builtin_convertvector(w >> (8 * i) & 255, lanes); }
typedef words nibbles;
static inline nibbles v_nibbles(const void *p) { return v_words(p); }
static inline lanes v_nibble(nibbles w, int i) { return __builtin_convertvector((w >> (4 * i)) & 15, lanes); }
static inline lanes v_exp(lanes x) {
    for (int i = 0; i < 16; i++) x[i] = expf(x[i]);
    return x;
}
// The i-th of so many parts of each word, times its place: 2^(32 / parts * i), but 1 for the last.
static inline lanes v_bits_in_place(words w, int i, int parts) {
    const int bits = 32 / parts, mask = (1 << bits) - 1;
    if (i == parts - 1) return __builtin_convertvector(w >> (32 - bits) & mask, lanes);
    return __builtin_convertvector(w & mask << (bits * i), lanes);
}
ALWAYS_INLINE void prefetch(const void *p) { __builtin_prefetch(p); }
