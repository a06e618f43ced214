// Sixteen floats in one register: AVX-512.
#include <immintrin.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
#endif

#define LANES_TITLE "AVX-512"
enum { AT_ONCE = 2, LARGEST_TILE = 12, ATTENTION_KEYS = 8, ATTENTION_ROWS = 8 };

typedef __m512 lanes;
typedef __m512i words;

static inline lanes v_zero(void) { return _mm512_setzero_ps(); }
static inline lanes v_all(float x) { return _mm512_set1_ps(x); }
static inline lanes v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline lanes v_load_some(const float *p, int n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
static inline void v_store(float *p, lanes x) { _mm512_storeu_ps(p, x); }
static inline lanes v_add(lanes a, lanes b) { return _mm512_add_ps(a, b); }
static inline lanes v_sub(lanes a, lanes b) { return _mm512_sub_ps(a, b); }
static inline lanes v_mul(lanes a, lanes b) { return _mm512_mul_ps(a, b); }
static inline lanes v_div(lanes a, lanes b) { return _mm512_div_ps(a, b); }
static inline lanes v_fma(lanes a, lanes b, lanes c) { return _mm512_fmadd_ps(a, b, c); }
static inline lanes v_max(lanes a, lanes b) { return _mm512_max_ps(a, b); } // b where one is NaN
static inline lanes v_min(lanes a, lanes b) { return _mm512_min_ps(a, b); }
static inline float v_sum(lanes x) { return _mm512_reduce_add_ps(x); }
static inline float v_largest(lanes x) { return _mm512_reduce_max_ps(x); }
// Neighbouring quarters of a, then of b, added up in pairs.
static inline lanes v_add_quarters(lanes a, lanes b) {
    return v_add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}
// Lane i of the result is the sum of v[i].
static inline lanes v_sums(const lanes v[16]) {
    lanes quads[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const lanes *w = v + 4 * i;
        const __m512d x = _mm512_castps_pd(v_add(_mm512_unpacklo_ps(w[0], w[1]), _mm512_unpackhi_ps(w[0], w[1])));
        const __m512d y = _mm512_castps_pd(v_add(_mm512_unpacklo_ps(w[2], w[3]), _mm512_unpackhi_ps(w[2], w[3])));
        quads[i] = v_add(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
    }
    return v_add_quarters(v_add_quarters(quads[0], quads[1]), v_add_quarters(quads[2], quads[3]));
}
static inline lanes v_round(lanes x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline lanes v_scale(lanes x, lanes n) { return _mm512_scalef_ps(x, n); } // x 2^n
static inline lanes v_fp16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
static inline lanes v_bf16(const void *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
static inline words v_words(const void *p) { return _mm512_loadu_si512(p); }
// Where byte i of each word lies, for a shuffle within 16 bytes.
static inline __m512i byte_places(int i) {
    return _mm512_broadcast_i32x4(_mm_setr_epi32(i << 8 | i, (i + 4) << 8 | (i + 4), (i + 8) << 8 | (i + 8),
                                                 (i + 12) << 8 | (i + 12)));
}
// Byte i of each word as the third byte from above of a float: 1 + byte / 2^15. Then d q = f (d 2^15) - d (2^15 + 128):
// the second product is exact (11 bits by 9), the first is part of a fused operation.
#define BYTE_FACTOR 32768.0f
#define BYTE_BASE (-32768.0f - 128.0f)
static inline lanes v_byte(words w, int i) {
    const __m512i one = _mm512_set1_epi32(0x3f800000);
    return _mm512_castsi512_ps(_mm512_mask_shuffle_epi8(one, 0x2222222222222222, w, byte_places(i)));
}
// Nibbles are looked up in a table of the floats 0 to 15; the look-up sees the lowest four bits of a word only. Bytes
// are moved down by shuffles, since shifts take the place of multiplications.
typedef struct {
    words even, odd;
} nibbles;
static inline nibbles v_nibbles(const void *p) {
    const nibbles both = {v_words(p), _mm512_srli_epi32(v_words(p), 4)};
    return both;
}
static inline lanes v_nibble(nibbles w, int i) {
    const lanes table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const words half = i % 2 ? w.odd : w.even;
    return _mm512_permutexvar_ps(i < 2 ? half : _mm512_shuffle_epi8(half, byte_places(i / 2)), table);
}
// The i-th of so many parts of each word, times its place: 2^(32 / parts * i), but 1 for the last.
static inline lanes v_bits_in_place(words w, int i, int parts) {
    const int bits = 32 / parts;
    if (i == parts - 1) return _mm512_cvtepi32_ps(_mm512_srli_epi32(w, (unsigned)(32 - bits)));
    return _mm512_cvtepi32_ps(_mm512_and_si512(w, _mm512_set1_epi32(((1 << bits) - 1) << (bits * i))));
}
ALWAYS_INLINE void prefetch(const void *p) { _mm_prefetch((const char *)p, _MM_HINT_T0); }
