/* Bicubic resampling of 8-bit pixels, to the last bit as Pillow has it: see
   striate/images/resampling.py.

   A row is spread into pixels of four bytes, a vector holds GROUP of them widened to 32 bits, and
   GROUP rows are made at a time: the sums of their pixels then fill one vector. Nothing is checked
   here. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define NAME(function) function##_avx512
enum { LANES = 16 };
#elif defined(__AVX2__)
#define NAME(function) function##_avx2
enum { LANES = 8 };
#else
#define NAME(function) function##_plain
enum { LANES = 4 };
#endif

enum { GROUP = LANES / 4, BITS = 22, BLOCK = 4 };

typedef int32_t vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint8_t bytes __attribute__((vector_size(LANES), aligned(1), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec wide(const uint8_t *at) {
#if defined(__AVX512F__) /* what GCC makes of __builtin_convertvector is far slower */
    return (vec)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)at));
#elif defined(__AVX2__)
    return (vec)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)at));
#elif defined(__SSE2__)
    int four_bytes;
    memcpy(&four_bytes, at, 4);
    const __m128i zero = _mm_setzero_si128(), four = _mm_cvtsi32_si128(four_bytes);
    return (vec)_mm_unpacklo_epi16(_mm_unpacklo_epi8(four, zero), zero);
#else
    return __builtin_convertvector(*(const bytes *)at, vec);
#endif
}

INLINE bytes pixels_of(vec sums) {
    sums = sums >> BITS; /* and clipped to a byte */
#if defined(__AVX512F__)
    const __m512i positive = _mm512_max_epi32((__m512i)sums, _mm512_setzero_si512());
    return (bytes)_mm512_cvtusepi32_epi8(positive);
#elif defined(__AVX2__)
    const __m256i halves = _mm256_packs_epi32((__m256i)sums, (__m256i)sums);
    const __m256i quarters = _mm256_permute4x64_epi64(halves, 0x08);
    const __m128i low = _mm256_castsi256_si128(quarters), packed = _mm_packus_epi16(low, low);
    return (bytes)_mm_cvtsi128_si64(packed);
#elif defined(__SSE2__)
    const __m128i halves = _mm_packs_epi32((__m128i)sums, (__m128i)sums);
    return (bytes)_mm_cvtsi128_si32(_mm_packus_epi16(halves, halves));
#else
    const vec over = sums > 255;
    sums &= ~(sums >> 31);
    return __builtin_convertvector((sums & ~over) | (over & 255), bytes);
#endif
}

#if !defined(__AVX2__) /* nothing is fused there: each operation is rounded, as Pillow's are */
/* Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -1/2. */
static double cubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/* How `out` pixels come from those from `low` to `high` of `size`: the first of each, how many, and
   `taps` weights in units of 2^-BITS, of which the last ones are 0. `memory`: `taps` numbers. */
void bicubic_weights(int size, float low, float high, int out, int taps, int *first, int *count,
                     int *weights, double *memory) {
    const double scale = (double)(high - low) / out, wider = scale < 1 ? 1 : scale;
    const double support = 2 * wider, narrower = 1 / wider;
    for (int i = 0; i < out; i++, weights += taps) {
        const double center = low + (i + 0.5) * scale;
        int from = (int)(center - support + 0.5), to = (int)(center + support + 0.5);
        if (from < 0) from = 0;
        if (to > size) to = size;
        double sum = 0;
        for (int t = 0; t < to - from; t++) {
            memory[t] = cubic((t + from - center + 0.5) * narrower);
            sum += memory[t];
        }
        for (int t = 0; t < to - from; t++) {
            const double weight = (sum != 0 ? memory[t] / sum : memory[t]) * (1 << BITS);
            weights[t] = (int)(weight < 0 ? weight - 0.5 : weight + 0.5);
        }
        for (int t = to - from > 0 ? to - from : 0; t < taps; t++) weights[t] = 0;
        first[i] = from, count[i] = to - from;
    }
}
#endif

/* GROUP vectors to one, which has the sum of each one's pixels in its place. */
INLINE vec sums_of(const vec *v) {
#if defined(__AVX512F__)
    const __m512i a = (__m512i)v[0], b = (__m512i)v[1], c = (__m512i)v[2], d = (__m512i)v[3];
    const vec ab = (vec)_mm512_shuffle_i32x4(a, b, 0x44) + (vec)_mm512_shuffle_i32x4(a, b, 0xee);
    const vec cd = (vec)_mm512_shuffle_i32x4(c, d, 0x44) + (vec)_mm512_shuffle_i32x4(c, d, 0xee);
    return (vec)_mm512_shuffle_i32x4((__m512i)ab, (__m512i)cd, 0x88) +
           (vec)_mm512_shuffle_i32x4((__m512i)ab, (__m512i)cd, 0xdd);
#elif defined(__AVX2__)
    const __m256i a = (__m256i)v[0], b = (__m256i)v[1];
    return (vec)_mm256_permute2x128_si256(a, b, 0x20) + (vec)_mm256_permute2x128_si256(a, b, 0x31);
#else
    return v[0];
#endif
}

/* A row of pixels of `step` bytes, 3 or 4, as pixels of four. */
static void spread(const uint8_t *from, int step, int width, uint8_t *to) {
    if (step == 4) memcpy(to, from, 4 * (size_t)width);
    else {
        for (int x = 0; x < width - 1; x++) memcpy(to + 4 * x, from + 3 * x, 4);
        memcpy(to + 4 * (width - 1), from + 3 * (width - 1), 3);
    }
}

/* How many bytes `bicubic_across` needs as `memory`. */
size_t NAME(bicubic_memory)(int width, int out, int taps) {
    const size_t row = 4 * ((size_t)width + taps + GROUP);
    return 16 * (size_t)out * (taps + GROUP) + GROUP * (row + 4 * (size_t)out);
}

/* Columns: `rows` rows, `stride` bytes apart, of `width` pixels of `step` bytes, to (rows, out, 3);
   to (rows, out) where `step` is 1. `to` has 4 bytes more than it holds. */
void NAME(bicubic_across)(const uint8_t *from, size_t stride, int rows, int width, int step,
                          uint8_t *to, int out, int taps, const int *first, const int *weights,
                          uint8_t *memory) {
    const int groups = (taps + GROUP - 1) / GROUP, left = first[0];
    const int last = first[out - 1] + taps, used = (last < width ? last : width) - left;
    const size_t row = 4 * ((size_t)width + taps + GROUP), wide_taps = (size_t)groups * LANES;
    const int channels = step == 1 ? 1 : 3, strip = step == 1 ? LANES : GROUP;
    int *spread_weights = (int *)memory;
    uint8_t *pixels = memory + 16 * (size_t)out * (taps + GROUP), *made = pixels + GROUP * row;
    memset(spread_weights, 0, 4 * wide_taps * out);
    for (int i = 0; i < out; i++)
        for (int t = 0; t < taps; t++)
            for (int c = 0; c < 4; c++)
                spread_weights[i * wide_taps + 4 * t + c] = weights[(size_t)i * taps + t];
    memset(pixels, 0, GROUP * row);
    for (int y = 0; y < rows; y += strip) {
        for (int r = 0; r < strip && y + r < rows; r++) {
            const uint8_t *at = from + (y + r) * stride + (size_t)left * step;
            if (step > 1) spread(at, step, used, pixels + r * row);
            else /* four rows of gray are one of four channels */
                for (int x = 0; x < used; x++) pixels[r / 4 * row + 4 * x + r % 4] = at[x];
        }
        for (int i = 0; i < out; i++) {
            const int *w = spread_weights + i * wide_taps;
            const uint8_t *at = pixels + 4 * (size_t)(first[i] - left);
            vec sums[GROUP];
            for (int r = 0; r < GROUP; r++) sums[r] = (vec){0};
            for (int g = 0; g < groups; g++, at += LANES, w += LANES)
                for (int r = 0; r < GROUP; r++) sums[r] += *(const vec *)w * wide(at + r * row);
            *(bytes *)(made + (size_t)i * LANES) = pixels_of(sums_of(sums) + (1 << (BITS - 1)));
        }
        for (int r = 0; r < strip && y + r < rows; r++) {
            uint8_t *line = to + (size_t)(y + r) * out * channels;
            if (step > 1) /* the fourth byte is the next one's first */
                for (int i = 0; i < out; i++) memcpy(line + 3 * i, made + i * LANES + 4 * r, 4);
            else
                for (int i = 0; i < out; i++) line[i] = made[i * LANES + r];
        }
    }
}

/* Rows: those from `top` on, of `width` bytes, to `out` of them. `from` has LANES bytes more than
   it holds. */
void NAME(bicubic_down)(const uint8_t *from, int top, int width, uint8_t *to, int out, int taps,
                        const int *first, const int *count, const int *weights) {
    for (int i = 0; i < out; i++, weights += taps, to += width) {
        const uint8_t *rows = from + (size_t)(first[i] - top) * width;
        int x = 0;
        for (; x + BLOCK * LANES <= width; x += BLOCK * LANES) {
            vec sums[BLOCK];
            for (int b = 0; b < BLOCK; b++) sums[b] = (vec){0} + (1 << (BITS - 1));
            for (int t = 0; t < count[i]; t++)
                for (int b = 0; b < BLOCK; b++)
                    sums[b] += weights[t] * wide(rows + (size_t)t * width + x + b * LANES);
            for (int b = 0; b < BLOCK; b++) *(bytes *)(to + x + b * LANES) = pixels_of(sums[b]);
        }
        for (; x < width; x += LANES) {
            vec sums = (vec){0} + (1 << (BITS - 1));
            for (int t = 0; t < count[i]; t++)
                sums += weights[t] * wide(rows + (size_t)t * width + x);
            const bytes last = pixels_of(sums);
            memcpy(to + x, &last, width - x < LANES ? width - x : LANES);
        }
    }
}
