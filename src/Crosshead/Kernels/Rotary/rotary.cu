// Splits rows of query, key and value heads apart, norms queries and keys where they have a norm (RMSNorm of a head),
// and turns them by their positions (RoPE); and the way back for gradients, which puts them side by side. A head's
// first half a and second half b become a·cos − b·sin and b·cos + a·sin. A thread takes LANES pairs of one head.
//
// Compile-time, besides those of elements.cuh: GROUP (threads a head, a power of two up to 32, where heads are normed;
// 0 for none).

#define THREADS 256
#define NORMED (GROUP > 0)

// What all threads know of the tensors. joint: [tokens, heads, 2·half], heads: queries, keys, values.
struct shape { int query_heads, key_heads, value_heads, half, table_rows; };

// Where a thread's pairs stand.
struct place
{
    u32 token;
    long long joint, own; // its elements in the joint tensor and in the head's own
    int head, at;         // at: which of the head's pairs is the first
};

// Divisions of 64 bits would take longer than all the rest, so there are no more items than 32 bits count.
inline place find(u32 item, shape s)
{
    const u32 heads = s.query_heads + s.key_heads + s.value_heads, parts = NORMED ? GROUP : s.half / LANES;
    const u32 joint_head = item / parts, token = joint_head / heads;
    const int head = (int)(joint_head - token * heads), at = (int)(item % parts) * LANES;
    const u32 own = head < s.query_heads ? token * s.query_heads + head
        : head < s.query_heads + s.key_heads ? token * s.key_heads + head - s.query_heads
        : token * s.value_heads + head - s.query_heads - s.key_heads;
    return { token, (long long)joint_head * 2 * s.half + at, (long long)own * 2 * s.half + at, head, at };
}

// Turns a thread's pairs, back where the direction is −1.
inline void turn(float (&x)[2][LANES], const float* __restrict__ cosine, const float* __restrict__ sine, place p,
    shape s, float direction)
{
    float c[LANES], sines[LANES];
    const u32 row = p.token % s.table_rows;
    load(cosine + (long long)row * s.half + p.at, c);
    load(sine + (long long)row * s.half + p.at, sines);
#pragma unroll
    for (int j = 0; j < LANES; j++)
    {
        const float a = x[0][j], b = x[1][j], turned = direction * sines[j];
        x[0][j] = a * c[j] - b * turned;
        x[1][j] = b * c[j] + a * turned;
    }
}

// The sum over the threads of a head, in each of them; asked for by all threads of a warp.
inline float head_sum(float x)
{
#pragma unroll
    for (int offset = GROUP / 2; offset > 0; offset /= 2) x += __shfl_xor_sync(~0u, x, offset);
    return x;
}

// 1/rms of a head from the sum of its squares.
inline float inverse_of(float squares, shape s, float epsilon) { return rsqrtf(squares / (2 * s.half) + epsilon); }

extern "C" __global__ void __launch_bounds__(THREADS)
rotary_split(const element* __restrict__ joint, element* __restrict__ query, element* __restrict__ key,
             element* __restrict__ value,
             const float* __restrict__ cosine, const float* __restrict__ sine, // [table_rows, half]
             // [2·half]; null for none
             const float* __restrict__ query_weight, const float* __restrict__ key_weight, float epsilon,
             int query_heads, int key_heads, int value_heads, int half, int table_rows, long long items)
{
    const shape s = { query_heads, key_heads, value_heads, half, table_rows };
    const long long item = (long long)blockIdx.x * THREADS + threadIdx.x;
    const bool is_one = item < items;
    const place p = find(is_one ? (u32)item : 0, s);
    const bool is_query = p.head < s.query_heads, is_turned = p.head < s.query_heads + s.key_heads;
    const float* weight = is_query ? query_weight : is_turned ? key_weight : 0;
    float x[2][LANES];
    load(joint + p.joint, x[0]);
    load(joint + p.joint + s.half, x[1]);
    if (NORMED)
    {
        float squares = 0;
#pragma unroll
        for (int j = 0; j < LANES; j++) squares += x[0][j] * x[0][j] + x[1][j] * x[1][j];
        const float factor = inverse_of(head_sum(squares), s, epsilon);
        if (weight)
        {
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                float w[LANES];
                load(weight + i * s.half + p.at, w);
#pragma unroll
                for (int j = 0; j < LANES; j++) x[i][j] *= factor * w[j];
            }
        }
    }
    if (!is_one) return;
    if (is_turned) turn(x, cosine, sine, p, s, 1);
    element* own = (is_query ? query : is_turned ? key : value) + p.own;
    store(own, x[0]);
    store(own + s.half, x[1]);
}

// With the gradient turned back ∂y, x̂ = x/rms(x) and g = ∂y·w: ∂x = (g − x̂·mean(g·x̂)) / rms(x), and ∂w = Σ ∂y·x̂,
// here a part for each warp.
extern "C" __global__ void __launch_bounds__(THREADS)
rotary_join(const element* __restrict__ joint, // what was split; null without norms
            element* __restrict__ result,      // its gradient
            const element* __restrict__ query, const element* __restrict__ key, // gradients
            const element* __restrict__ value,
            const float* __restrict__ cosine, const float* __restrict__ sine,
            const float* __restrict__ query_weight, const float* __restrict__ key_weight, float epsilon,
            int query_heads, int key_heads, int value_heads, int half, int table_rows, long long items,
            float* __restrict__ weight_parts) // [warps, 2, 2·half]: of queries, of keys
{
    const shape s = { query_heads, key_heads, value_heads, half, table_rows };
    float of_query[2][LANES], of_key[2][LANES];
#pragma unroll
    for (int j = 0; j < LANES; j++) of_query[0][j] = of_query[1][j] = of_key[0][j] = of_key[1][j] = 0;
    // the same number of rounds for all threads of a block
    for (long long start = (long long)blockIdx.x * THREADS; start < items; start += (long long)gridDim.x * THREADS)
    {
        const long long item = start + threadIdx.x;
        const bool is_one = item < items;
        const place p = find(is_one ? (u32)item : 0, s);
        const bool is_query = p.head < s.query_heads, is_turned = p.head < s.query_heads + s.key_heads;
        const float* weight = is_query ? query_weight : is_turned ? key_weight : 0;
        const element* own = (is_query ? query : is_turned ? key : value) + p.own;
        float g[2][LANES];
        load(own, g[0]);
        load(own + s.half, g[1]);
        if (is_turned) turn(g, cosine, sine, p, s, -1);
        if (NORMED)
        {
            float x[2][LANES], w[2][LANES], squares = 0, dot = 0;
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                if (!weight) continue;
                load(joint + p.joint + i * s.half, x[i]);
                load(weight + i * s.half + p.at, w[i]);
#pragma unroll
                for (int j = 0; j < LANES; j++)
                {
                    squares += x[i][j] * x[i][j];
                    dot += g[i][j] * w[i][j] * x[i][j];
                }
            }
            const float factor = inverse_of(head_sum(squares), s, epsilon);
            const float mean = head_sum(dot) * factor / (2 * s.half);
#pragma unroll
            for (int i = 0; i < 2; i++)
            {
                if (!weight || !is_one) continue;
#pragma unroll
                for (int j = 0; j < LANES; j++)
                {
                    const float normed = x[i][j] * factor, part = g[i][j] * normed;
                    of_query[i][j] += is_query ? part : 0;
                    of_key[i][j] += is_query ? 0 : part;
                    g[i][j] = factor * (g[i][j] * w[i][j] - normed * mean);
                }
            }
        }
        if (!is_one) continue;
        store(result + p.joint, g[0]);
        store(result + p.joint + s.half, g[1]);
    }
#if NORMED
    const int lane = threadIdx.x % 32, at = lane % GROUP * LANES;
    const long long warp = (long long)blockIdx.x * (THREADS / 32) + threadIdx.x / 32;
    float* parts = weight_parts + warp * 4 * s.half + at;
#pragma unroll
    for (int i = 0; i < 2; i++)
    {
#pragma unroll
        for (int j = 0; j < LANES; j++)
        {
#pragma unroll
            for (int offset = GROUP; offset < 32; offset *= 2)
            {
                of_query[i][j] += __shfl_xor_sync(~0u, of_query[i][j], offset);
                of_key[i][j] += __shfl_xor_sync(~0u, of_key[i][j], offset);
            }
        }
        if (lane >= GROUP) continue;
        store(parts + i * s.half, of_query[i]);
        store(parts + (2 + i) * s.half, of_key[i]);
    }
#endif
}
