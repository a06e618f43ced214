// Sixteen floats in two registers: AVX2 with FMA.
#include <immintrin.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,f16c")
#endif

#define LANES_TITLE "AVX2"
enum { AT_ONCE = 1, LARGEST_TILE = 6, ATTENTION_KEYS = 4, ATTENTION_ROWS = 2 };

typedef struct {
    __m256 a, b;
} lanes;
typedef struct {
    __m256i a, b;
} words;

static inline lanes v_pair(__m256 a, __m256 b) {
    const lanes both = {a, b};
    return both;
}
static inline lanes v_zero(void) { return v_pair(_mm256_setzero_ps(), _mm256_setzero_ps()); }
static inline lanes v_all(float x) { return v_pair(_mm256_set1_ps(x), _mm256_set1_ps(x)); }
static inline lanes v_load(const float *p) { return v_pair(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)); }
static inline lanes v_load_some(const float *p, int n) {
    float some[16] = {0};
    for (int i = 0; i < n; i++) some[i] = p[i];
    return v_load(some);
}
static inline void v_store(float *p, lanes x) {
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
static inline lanes v_add(lanes x, lanes y) { return v_pair(_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)); }
static inline lanes v_sub(lanes x, lanes y) { return v_pair(_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)); }
static inline lanes v_mul(lanes x, lanes y) { return v_pair(_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)); }
static inline lanes v_div(lanes x, lanes y) { return v_pair(_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)); }
static inline lanes v_fma(lanes x, lanes y, lanes z) {
    return v_pair(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b));
}
static inline lanes v_max(lanes x, lanes y) { return v_pair(_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)); }
static inline lanes v_min(lanes x, lanes y) { return v_pair(_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)); }
static inline float v_sum(lanes x) {
    const __m256 both = _mm256_add_ps(x.a, x.b);
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline float v_largest(lanes x) {
    const __m256 both = _mm256_max_ps(x.a, x.b);
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
// Lane i of the result is the sum of w[i].
static inline __m256 v_sums_half(const lanes w[8]) {
    __m256 quads[2];
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        __m256 v[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) v[j] = _mm256_add_ps(w[4 * i + j].a, w[4 * i + j].b);
        quads[i] = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
    }
    return _mm256_add_ps(_mm256_permute2f128_ps(quads[0], quads[1], 0x20),
                         _mm256_permute2f128_ps(quads[0], quads[1], 0x31));
}
static inline lanes v_sums(const lanes v[16]) { return v_pair(v_sums_half(v), v_sums_half(v + 8)); }
static inline lanes v_round(lanes x) {
    return v_pair(_mm256_round_ps(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                  _mm256_round_ps(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
// In two steps, since 2^n itself may leave the range of floats.
static inline __m256 v_scale_half(__m256 x, __m256 n) {
    const __m256i whole = _mm256_cvtps_epi32(n), one = _mm256_set1_epi32(127);
    const __m256i first = _mm256_srai_epi32(whole, 1), second = _mm256_sub_epi32(whole, first);
    const __m256 low = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(first, one), 23));
    const __m256 high = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(second, one), 23));
    return _mm256_mul_ps(_mm256_mul_ps(x, low), high);
}
static inline lanes v_scale(lanes x, lanes n) { return v_pair(v_scale_half(x.a, n.a), v_scale_half(x.b, n.b)); }
static inline lanes v_fp16(const void *p) {
    const __m128i *q = (const __m128i *)p;
    return v_pair(_mm256_cvtph_ps(_mm_loadu_si128(q)), _mm256_cvtph_ps(_mm_loadu_si128(q + 1)));
}
static inline __m256 v_bf16_half(const __m128i *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16));
}
static inline lanes v_bf16(const void *p) {
    const __m128i *q = (const __m128i *)p;
    return v_pair(v_bf16_half(q), v_bf16_half(q + 1));
}
static inline words v_words(const void *p) {
    const __m256i *q = (const __m256i *)p;
    const words both = {_mm256_loadu_si256(q), _mm256_loadu_si256(q + 1)};
    return both;
}
// Byte i of each word as the third byte from above of a float: 1 + byte / 2^15. Then d q = f (d 2^15) - d (2^15 + 128):
// the second product is exact (11 bits by 9), the first is part of a fused operation.
#define BYTE_FACTOR 32768.0f
#define BYTE_BASE (-32768.0f - 128.0f)
static inline __m256 v_byte_half(__m256i w, int i) {
    const int none = (int)0x80800080; // zero
    const __m128i places =
        _mm_setr_epi32(none | i << 8, none | (i + 4) << 8, none | (i + 8) << 8, none | (i + 12) << 8);
    const __m256i byte = _mm256_shuffle_epi8(w, _mm256_broadcastsi128_si256(places));
    return _mm256_castsi256_ps(_mm256_or_si256(byte, _mm256_set1_epi32(0x3f800000)));
}
static inline lanes v_byte(words w, int i) { return v_pair(v_byte_half(w.a, i), v_byte_half(w.b, i)); }
typedef words nibbles;
static inline nibbles v_nibbles(const void *p) { return v_words(p); }
static inline __m256 v_nibble_half(__m256i w, int i) {
    return _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(w, 4 * i), _mm256_set1_epi32(15)));
}
static inline lanes v_nibble(nibbles w, int i) { return v_pair(v_nibble_half(w.a, i), v_nibble_half(w.b, i)); }
// The i-th of so many parts of each word, times its place: 2^(32 / parts * i), but 1 for the last.
static inline __m256 v_in_place_half(__m256i w, int i, int parts) {
    const int bits = 32 / parts;
    if (i == parts - 1) return _mm256_cvtepi32_ps(_mm256_srli_epi32(w, 32 - bits));
    return _mm256_cvtepi32_ps(_mm256_and_si256(w, _mm256_set1_epi32(((1 << bits) - 1) << (bits * i))));
}
static inline lanes v_bits_in_place(words w, int i, int parts) {
    return v_pair(v_in_place_half(w.a, i, parts), v_in_place_half(w.b, i, parts));
}
ALWAYS_INLINE void prefetch(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T0); }
