// Between the joint product of a decoding step and its attention: query and key heads are normed where there are norms
// and turned by their positions (RoPE), queries take on the mix of components where the cache keeps those; keys and
// values are written to the caches at the positions that the device alone knows, and so are the factors of scores,
// 1/rms of composed keys.
//
// A group of threads takes a head's worth of the product's row: LANES pairs a thread, an element of the first half with
// its partner in the second.
//
// Compile-time, besides those of elements.cuh: HALF (pairs of a head, a multiple of LANES), GROUP (threads a head, a
// power of two up to 32), COMPONENTS (of keys, for each of which a query head becomes a head; 0 where it stays itself),
// BF16_WEIGHT (1 for norms in bfloat16, 0 for float32). Compiled behind bfloat16.cuh, elements.cuh and launches.cuh.

#define THREADS 128
#define HEADS (THREADS / GROUP)
#define WIDTH (2 * HALF)

#if BF16_WEIGHT
typedef bf16 weight_element;
#else
typedef float weight_element;
#endif

// Rows of one token in a cache [B, rows, capacity, width]: where element i of all of them, side by side, goes.
struct rows
{
    element* first; // of the sequence, at the position
    long long row;  // from a row to the next
    int width;
};

inline element* place(rows to, int i) { return to.first + i / to.width * to.row + i % to.width; }

extern "C" __global__ void __launch_bounds__(THREADS)
// [B, …], sequences `step` apart: query heads, key heads, values, composed keys
step_heads(const element* __restrict__ joint, long long step,
           const float* __restrict__ cosine, const float* __restrict__ sine, int table_rows, // [1 or B, HALF]
           // [WIDTH], null for none
           const weight_element* __restrict__ query_norm, const weight_element* __restrict__ key_norm, float epsilon,
           const long long* __restrict__ positions, int position_step, // [B] (step 1) or [1] (step 0)
           // the pages of each sequence, of so many tokens each; null where a sequence is one page
           const int* __restrict__ table, int table_step, int page_tokens,
           // [query_heads / sharing, COMPONENTS, 2, HALF], real and imaginary parts
           const element* __restrict__ mix, int sharing,
           element* __restrict__ query, int query_heads,      // [B, query_heads, WIDTH], or for each component
           element* __restrict__ plain,                       // [B, query_heads, WIDTH], unmixed; null for none
           const int* __restrict__ mixed,                     // how many of the first sequences need the mix; null: all
           element* __restrict__ keys, long long key_batch, long long key_row, int key_width, int key_heads,
           // elements a token
           element* __restrict__ values, long long value_batch, long long value_row, int value_width, int value_count,
           // [B, factor_count, capacity]
           element* __restrict__ factors, long long factor_batch, long long factor_row, int factor_count)
{
    follow();
    let_follow();
    const int sequence = blockIdx.y, turned = query_heads + key_heads, value_heads = (value_count + WIDTH - 1) / WIDTH;
    const int head = blockIdx.x * HEADS + threadIdx.x / GROUP, at = threadIdx.x % GROUP * LANES;
    const bool is_value = head >= turned && head < turned + value_heads, is_factor = head >= turned + value_heads;
    const int value = (head - turned) * WIDTH + at;           // of values, the first element
    const bool there = at < HALF && head < turned + value_heads + factor_count;
    const bool first = there && (!is_value || value < value_count),
        second = there && (!is_value || value + HALF < value_count);
    const element* source = joint + sequence * step
        + (is_factor ? value_count + (head - value_heads) * WIDTH : head * WIDTH) + at;

    float a[LANES] = {}, b[LANES] = {}, squares = 0;
    if (first) load(source, a);
    if (second) load(source + HALF, b);
#pragma unroll
    for (int j = 0; j < LANES; j++) squares += a[j] * a[j] + b[j] * b[j];
#pragma unroll
    for (int offset = GROUP / 2; offset > 0; offset /= 2) squares += __shfl_xor_sync(~0u, squares, offset);
    if (!first) return;
    const float factor = rsqrtf(squares / WIDTH + epsilon);
    long long token = positions[sequence * position_step], page = sequence;
    if (table)
    {
        page = table[sequence * table_step + token / page_tokens];
        token %= page_tokens;
    }
    if (is_factor)
    {
        const float one[1] = { factor };
        if (at == 0) store(factors + page * factor_batch + (head - turned - value_heads) * factor_row + token, one);
        return;
    }
    if (is_value)
    {
        const rows to = { values + page * value_batch + token * value_width, value_row, value_width };
        store(place(to, value), a);
        if (second) store(place(to, value + HALF), b);
        return;
    }
    const weight_element* norm = head < query_heads ? query_norm : key_norm;
    if (norm)
    {
        float w[LANES], v[LANES];
        load(norm + at, w);
        load(norm + HALF + at, v);
#pragma unroll
        for (int j = 0; j < LANES; j++) { a[j] *= factor * w[j]; b[j] *= factor * v[j]; }
    }
    float c[LANES], s[LANES];
    load(cosine + sequence % table_rows * HALF + at, c);
    load(sine + sequence % table_rows * HALF + at, s);
#pragma unroll
    for (int j = 0; j < LANES; j++)
    {
        const float x = a[j] * c[j] - b[j] * s[j];
        b[j] = b[j] * c[j] + a[j] * s[j];
        a[j] = x;
    }
    if (head < query_heads)
    {
        const long long row = (long long)sequence * query_heads + head;
#if COMPONENTS
        if (plain)
        {
            store(plain + row * WIDTH + at, a);
            store(plain + row * WIDTH + HALF + at, b);
        }
        if (mixed && sequence >= *mixed) return;
        for (int i = 0; i < COMPONENTS; i++) // conj(mix) · query: the scalar product conjugates its left side
        {
            const element* of = mix + (head / sharing * COMPONENTS + i) * WIDTH + at;
            float real[LANES], imaginary[LANES], x[LANES], y[LANES];
            load(of, real);
            load(of + HALF, imaginary);
#pragma unroll
            for (int j = 0; j < LANES; j++)
            {
                x[j] = real[j] * a[j] + imaginary[j] * b[j];
                y[j] = real[j] * b[j] - imaginary[j] * a[j];
            }
            element* to = query + (row * COMPONENTS + i) * WIDTH + at;
            store(to, x);
            store(to + HALF, y);
        }
#else
        store(query + row * WIDTH + at, a);
        store(query + row * WIDTH + HALF + at, b);
#endif
        return;
    }
    const rows to = { keys + page * key_batch + token * key_width, key_row, key_width };
    const int i = (head - query_heads) * WIDTH + at;
    store(place(to, i), a);
    store(place(to, i + HALF), b);
}
