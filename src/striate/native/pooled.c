/* Convolution and 2 x 2 max pooling of few channels, and the gradients: see
   striate/layers/pooled_convolution.py, whose letters these are.

   Every array has the images innermost, and LANES of them fill one vector. Sums are kept in
   registers: forward the four outputs of a window for OUT filters, backward a tile of the gradient.
   Nothing is checked here; N is a multiple of LANES. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
#define NAME(function) function##_avx512
enum { LANES = 16, OUT = 6, DOWN = 5, ACROSS = 5, DEEP = 3, WIDE = 4 };
#elif defined(__AVX2__)
#define NAME(function) function##_avx2
enum { LANES = 8, OUT = 2, DOWN = 2, ACROSS = 5, DEEP = 2, WIDE = 2 };
#else
#define NAME(function) function##_plain
enum { LANES = 4, OUT = 2, DOWN = 2, ACROSS = 5, DEEP = 2, WIDE = 2 };
#endif

enum { NOWHERE = 4 }; /* where a maximum comes from that a rectifier made zero */
enum { FIRST_CACHE = 24 * 1024 }; /* bytes of it that may be filled */

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(4 * LANES)));
typedef uint8_t codes __attribute__((vector_size(LANES), aligned(1), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec either(mask first, vec a, vec b) {
    return (vec)((first & (mask)a) | (~first & (mask)b));
}

/* Parts of at most `most` as equal as can be: how many of `total` the next one has. */
INLINE int part(int total, int most) {
    const int parts = (total + most - 1) / most;
    return parts ? (total + parts - 1) / parts : 0;
}

typedef struct {
    int H, C, W, N, O, k, m; /* x (H, C, W, N), filters (O, C, k, m) */
} Shape;

/* (O, C, k, m) as (C, k, m, O): the weights of neighbouring filters lie side by side. */
static void filters_innermost(const Shape *s, const float *weight, float *packed) {
    const int taps = s->C * s->k * s->m;
    for (int o = 0; o < s->O; o++)
        for (int t = 0; t < taps; t++) packed[t * s->O + o] = weight[o * taps + t];
}

/* The outputs of one window for `count` filters and one vector of images. */
INLINE void window(const Shape *s, const float *x, const float *F, const float *bias, int rectify,
                   float *out, uint8_t *from, const int count) {
    const size_t column = s->N, channel = column * s->W, row = channel * s->C;
    vec sums[OUT][4];
    for (int o = 0; o < count; o++)
        for (int q = 0; q < 4; q++) sums[o][q] = (vec){0};
    for (int c = 0; c < s->C; c++)
        for (int a = 0; a < s->k; a++) {
            const float *at = x + c * channel + a * row;
            const float *f = F + (size_t)(c * s->k + a) * s->m * s->O;
            for (int b = 0; b < s->m; b++, at += column, f += s->O) {
                const vec v0 = *(const vec *)at, v1 = *(const vec *)(at + column);
                const vec v2 = *(const vec *)(at + row), v3 = *(const vec *)(at + row + column);
                for (int o = 0; o < count; o++) {
                    sums[o][0] += f[o] * v0, sums[o][1] += f[o] * v1;
                    sums[o][2] += f[o] * v2, sums[o][3] += f[o] * v3;
                }
            }
        }
    const size_t filter = (size_t)((s->W - s->m + 1) / 2) * s->N;
    for (int o = 0; o < count; o++) {
        vec best = sums[o][0];
        mask place = {0};
        for (int q = 1; q < 4; q++) { /* the first of equals, and whatever is not a number */
            const mask larger = (sums[o][q] > best) | (sums[o][q] != sums[o][q]);
            best = either(larger, sums[o][q], best);
            place = (larger & q) | (~larger & place);
        }
        best += bias[o];
        if (rectify) {
            const mask dark = best <= 0;
            best = either(dark, (vec){0}, best);
            place = (dark & NOWHERE) | (~dark & place);
        }
        *(vec *)(out + o * filter) = best;
        *(codes *)(from + o * filter) = __builtin_convertvector(place, codes);
    }
}

/* out (h/2, O, w/2, N), and which of its four outputs each is: 0 to 3, or NOWHERE. */
void NAME(pooled_forward)(const Shape *s, const float *x, const float *weight, const float *bias,
                          int rectify, float *out, uint8_t *from, float *packed) {
    const int rows = (s->H - s->k + 1) / 2, columns = (s->W - s->m + 1) / 2;
    const size_t filter = (size_t)columns * s->N, row = filter * s->O;
    filters_innermost(s, weight, packed);
#pragma omp parallel for collapse(2)
    for (int i = 0; i < rows; i++)
        for (int n = 0; n < s->N; n += LANES)
            for (int j = 0; j < columns; j++) {
                const float *at = x + ((size_t)2 * i * s->C * s->W + 2 * j) * s->N + n;
                for (int o = 0, count; o < s->O; o += count) {
                    const size_t to = i * row + o * filter + (size_t)j * s->N + n;
                    count = part(s->O - o, OUT);
#define CASE(c) case c: \
    window(s, at, packed + o, bias + o, rectify, out + to, from + to, c); break;
                    switch (count) {
                        CASE(1) CASE(2)
#if defined(__AVX512F__)
                        CASE(3) CASE(4) CASE(5) CASE(6)
#endif
                    }
#undef CASE
                }
            }
}

/* One row of the errors of the outputs that were pooled (O, w, LANES): each pooled error lies where its maximum came from, all else is zero. `low` is 0 or 1. Adds them up in
   `sums` (O, LANES). */
INLINE void spread(const Shape *s, const float *error, const uint8_t *from, int low, float *dY,
                   float *sums) {
    const int columns = (s->W - s->m + 1) / 2;
    for (int o = 0; o < s->O; o++) {
        float *to = dY + (size_t)o * 2 * columns * LANES;
        vec sum = *(const vec *)(sums + o * LANES);
        for (int j = 0; j < columns; j++, to += 2 * LANES) {
            const size_t at = ((size_t)o * columns + j) * s->N;
            const vec e = *(const vec *)(error + at);
            const mask place = __builtin_convertvector(*(const codes *)(from + at), mask) - 2 * low;
            const vec left = (vec)((mask)e & (place == 0)), right = (vec)((mask)e & (place == 1));
            *(vec *)to = left;
            *(vec *)(to + LANES) = right;
            sum += left + right;
        }
        *(vec *)(sums + o * LANES) = sum;
    }
}

/* A plane of values, one vector apart by columns. */
typedef struct {
    const float *first;
    size_t row, column;
} Plane;

/* sums[o][b] += dY[o, y, j] x[y, j + b] over `rows` of `length`, for `count` filters and `taps`
   columns of them. */
INLINE void correlate(Plane dY, size_t filter, Plane x, int rows, int length, float *sums,
                      size_t filter_sums, const int count, const int taps) {
    vec tile[DOWN][ACROSS];
    for (int o = 0; o < count; o++)
        for (int b = 0; b < taps; b++)
            tile[o][b] = *(const vec *)(sums + o * filter_sums + b * LANES);
    for (int y = 0; y < rows; y++) {
        const float *error = dY.first + y * dY.row, *value = x.first + y * x.row;
        for (int j = 0; j < length; j++, error += dY.column, value += x.column) {
            vec errors[DOWN];
            for (int o = 0; o < count; o++) errors[o] = *(const vec *)(error + o * filter);
            for (int b = 0; b < taps; b++) {
                const vec v = *(const vec *)(value + b * x.column);
                for (int o = 0; o < count; o++) tile[o][b] += errors[o] * v;
            }
        }
    }
    for (int o = 0; o < count; o++)
        for (int b = 0; b < taps; b++)
            *(vec *)(sums + o * filter_sums + b * LANES) = tile[o][b];
}

/* dx[c, j + b] += F[o, c, b] dY[o, j] over filters, for `deep` channels, `wide` columns of errors
   and `taps` columns of the filters. */
INLINE void scatter(const Shape *s, const float *dY, size_t filter, const float *F, float *dx,
                    const int deep, const int wide, const int taps) {
    const size_t channel = (size_t)s->W * s->N, step = (size_t)s->k * s->m * s->O;
    vec tile[DEEP][WIDE + ACROSS - 1];
#pragma GCC unroll 8
    for (int c = 0; c < deep; c++)
#pragma GCC unroll 8
        for (int j = 0; j < wide + taps - 1; j++)
            tile[c][j] = *(const vec *)(dx + c * channel + (size_t)j * s->N);
    for (int o = 0; o < s->O; o++) {
        vec errors[WIDE];
#pragma GCC unroll 8
        for (int j = 0; j < wide; j++)
            errors[j] = *(const vec *)(dY + o * filter + (size_t)j * LANES);
#pragma GCC unroll 8
        for (int c = 0; c < deep; c++)
#pragma GCC unroll 8
            for (int b = 0; b < taps; b++) {
                const float f = F[c * step + (size_t)b * s->O + o];
#pragma GCC unroll 8
                for (int j = 0; j < wide; j++) tile[c][j + b] += f * errors[j];
            }
    }
#pragma GCC unroll 8
    for (int c = 0; c < deep; c++)
#pragma GCC unroll 8
        for (int j = 0; j < wide + taps - 1; j++)
            *(vec *)(dx + c * channel + (size_t)j * s->N) = tile[c][j];
}

/* `dY`: `rows` of them, each (O, length, LANES). */
static void filter_gradients(const Shape *s, const float *x, const float *dY, int rows,
                             float *sums) {
    const int length = 2 * ((s->W - s->m + 1) / 2);
    const size_t filter = (size_t)length * LANES, channel = (size_t)s->W * s->N;
    const size_t own = (size_t)s->C * s->k * s->m * LANES;
    for (int o = 0, count; o < s->O; o += count) {
        count = part(s->O - o, DOWN);
        for (int a = 0; a < s->k; a++)
            for (int c = 0; c < s->C; c++)
                for (int b = 0, taps; b < s->m; b += taps) {
                    taps = part(s->m - b, ACROSS);
                    const Plane errors = {dY + o * filter, s->O * filter, LANES};
                    const Plane at = {x + ((size_t)a * s->C + c) * channel + (size_t)b * s->N,
                                      s->C * channel, s->N};
                    float *to = sums + o * own + ((size_t)(c * s->k + a) * s->m + b) * LANES;
#define CASE(d, t) case 8 * d + t: \
    correlate(errors, filter, at, rows, length, to, own, d, t); break;
                    switch (8 * count + taps) {
                        CASE(1, 1) CASE(1, 2) CASE(1, 3) CASE(1, 4) CASE(1, 5)
                        CASE(2, 1) CASE(2, 2) CASE(2, 3) CASE(2, 4) CASE(2, 5)
#if defined(__AVX512F__)
                        CASE(3, 1) CASE(3, 2) CASE(3, 3) CASE(3, 4) CASE(3, 5)
                        CASE(4, 1) CASE(4, 2) CASE(4, 3) CASE(4, 4) CASE(4, 5)
                        CASE(5, 1) CASE(5, 2) CASE(5, 3) CASE(5, 4) CASE(5, 5)
#endif
                    }
#undef CASE
                }
    }
}

static void image_gradients(const Shape *s, const float *F, const float *dY, float *dx) {
    const int length = 2 * ((s->W - s->m + 1) / 2);
    const size_t filter = (size_t)length * LANES, channel = (size_t)s->W * s->N;
    for (int a = 0; a < s->k; a++)
        for (int c = 0, deep; c < s->C; c += deep) {
            deep = part(s->C - c, DEEP);
            for (int b = 0, taps; b < s->m; b += taps) {
                taps = part(s->m - b, ACROSS);
                const float *f = F + ((size_t)(c * s->k + a) * s->m + b) * s->O;
                for (int j = 0, wide; j < length; j += wide) {
                    wide = part(length - j, WIDE);
                    const float *errors = dY + (size_t)j * LANES;
                    float *to = dx + ((size_t)a * s->C + c) * channel + (size_t)(j + b) * s->N;
#define CASE(d, w, t) case 64 * d + 8 * w + t: \
    scatter(s, errors, filter, f, to, d, w, t); break;
                    switch (64 * deep + 8 * wide + taps) {
                    CASE(1, 1, 1) CASE(1, 1, 2) CASE(1, 1, 3) CASE(1, 1, 4) CASE(1, 1, 5)
                    CASE(1, 2, 1) CASE(1, 2, 2) CASE(1, 2, 3) CASE(1, 2, 4) CASE(1, 2, 5)
                    CASE(2, 1, 1) CASE(2, 1, 2) CASE(2, 1, 3) CASE(2, 1, 4) CASE(2, 1, 5)
                    CASE(2, 2, 1) CASE(2, 2, 2) CASE(2, 2, 3) CASE(2, 2, 4) CASE(2, 2, 5)
#if defined(__AVX512F__)
                    CASE(1, 3, 1) CASE(1, 3, 2) CASE(1, 3, 3) CASE(1, 3, 4) CASE(1, 3, 5)
                    CASE(1, 4, 1) CASE(1, 4, 2) CASE(1, 4, 3) CASE(1, 4, 4) CASE(1, 4, 5)
                    CASE(2, 3, 1) CASE(2, 3, 2) CASE(2, 3, 3) CASE(2, 3, 4) CASE(2, 3, 5)
                    CASE(2, 4, 1) CASE(2, 4, 2) CASE(2, 4, 3) CASE(2, 4, 4) CASE(2, 4, 5)
                    CASE(3, 1, 1) CASE(3, 1, 2) CASE(3, 1, 3) CASE(3, 1, 4) CASE(3, 1, 5)
                    CASE(3, 2, 1) CASE(3, 2, 2) CASE(3, 2, 3) CASE(3, 2, 4) CASE(3, 2, 5)
                    CASE(3, 3, 1) CASE(3, 3, 2) CASE(3, 3, 3) CASE(3, 3, 4) CASE(3, 3, 5)
                    CASE(3, 4, 1) CASE(3, 4, 2) CASE(3, 4, 3) CASE(3, 4, 4) CASE(3, 4, 5)
#endif
                    }
#undef CASE
                }
            }
        }
}

/* Rows of errors that are worked on at a time: of DOWN filters they stay in the first cache. */
static int at_once(const Shape *s) {
    const int length = 2 * ((s->W - s->m + 1) / 2), rows = s->H - s->k + 1;
    const int fitting = FIRST_CACHE / (DOWN * length * LANES * (int)sizeof(float));
    return fitting < 1 ? 1 : fitting < rows ? fitting : rows;
}

/* How many floats `pooled_backward` needs as `memory` for each of its workers. */
size_t NAME(pooled_memory)(const Shape *s) {
    const int length = 2 * ((s->W - s->m + 1) / 2);
    return (size_t)s->O * (s->C * s->k * s->m + 1 + (size_t)at_once(s) * length) * LANES;
}

/* Adds up the lanes of what each worker summed. */
static void gather(const float *memory, size_t own, int workers, size_t count, float *sums) {
    for (size_t at = 0; at < count; at++) {
        vec sum = {0};
        for (int worker = 0; worker < workers; worker++)
            sum += *(const vec *)(memory + worker * own + at * LANES);
        sums[at] = 0;
        for (int lane = 0; lane < LANES; lane++) sums[at] += sum[lane];
    }
}

/* dF (O, C, k, m), of the biases (O,), and dx (H, C, W, N), where it is not NULL, of the errors of
   `out`.
   `packed`: the filters as `pooled_forward` left them; `memory`: `workers` times what
   `pooled_memory` says. */
void NAME(pooled_backward)(const Shape *s, const float *x, const float *packed, const float *error,
                           const uint8_t *from, float *dF, float *dbias, float *dx, float *memory,
                           int workers) {
    const int rows = (s->H - s->k + 1) / 2, columns = (s->W - s->m + 1) / 2;
    const size_t pooled_row = (size_t)s->O * columns * s->N, row = (size_t)s->C * s->W * s->N;
    const size_t weights = (size_t)s->O * s->C * s->k * s->m;
    const size_t own = NAME(pooled_memory)(s);
    const size_t dY_row = (size_t)s->O * 2 * columns * LANES;
#pragma omp parallel for num_threads(workers)
    for (int worker = 0; worker < workers; worker++) {
        float *sums = memory + worker * own, *biases = sums + weights * LANES;
        float *dY = biases + (size_t)s->O * LANES;
        memset(sums, 0, own * sizeof(float));
        for (int n = worker * LANES; n < s->N; n += workers * LANES) {
            for (size_t at = 0; dx && at < (size_t)s->H * s->C * s->W; at++)
                memset(dx + at * s->N + n, 0, LANES * sizeof(float));
            for (int y = 0, count; y < 2 * rows; y += count) {
                count = part(2 * rows - y, at_once(s));
                for (int down = 0; down < count; down++) {
                    const size_t at = (y + down) / 2 * pooled_row + n;
                    spread(s, error + at, from + at, (y + down) % 2, dY + down * dY_row, biases);
                }
                filter_gradients(s, x + y * row + n, dY, count, sums);
                for (int down = 0; dx && down < count; down++)
                    image_gradients(s, packed, dY + down * dY_row, dx + (y + down) * row + n);
            }
        }
    }
    gather(memory, own, workers, weights, dF);
    gather(memory + weights * LANES, own, workers, s->O, dbias);
}

int NAME(pooled_lanes)(void) { return LANES; }
