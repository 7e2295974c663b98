// Splits rows of query, key and value heads apart and turns queries and keys by their positions (RoPE), or, backward,
// turns gradients back and puts them side by side. A head's first half a and second half b become a·cos − b·sin and
// b·cos + a·sin. A thread takes LANES pairs of one head.

// [tokens, heads, 2·half], heads: queries, keys, values
extern "C" __global__ void rotary_split(element* __restrict__ joint,
                                        element* __restrict__ query, element* __restrict__ key,
                                        element* __restrict__ value,
                                        // [table_rows, half]
                                        const float* __restrict__ cosine, const float* __restrict__ sine,
                                        int query_heads, int key_heads, int value_heads, int half, int table_rows,
                                        long long items, int backward)
{
    const long long item = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (item >= items) return;
    const int heads = query_heads + key_heads + value_heads, parts = half / LANES;
    const int at = (int)(item % parts) * LANES;
    const long long joint_head = item / parts;
    const long long token = joint_head / heads;
    const int head = (int)(joint_head - token * heads);

    element* whole = joint + joint_head * 2 * half + at;
    element* own = head < query_heads ? query + (token * query_heads + head) * 2 * half + at
        : head < query_heads + key_heads ? key + (token * key_heads + head - query_heads) * 2 * half + at
        : value + (token * value_heads + head - query_heads - key_heads) * 2 * half + at;
    const element* source = backward ? own : whole;
    element* target = backward ? whole : own;
    float a[LANES], b[LANES];
    load(source, a);
    load(source + half, b);
    if (head < query_heads + key_heads)
    {
        float c[LANES], s[LANES];
        load(cosine + token % table_rows * half + at, c);
        load(sine + token % table_rows * half + at, s);
#pragma unroll
        for (int j = 0; j < LANES; j++)
        {
            const float turn = backward ? -s[j] : s[j];
            const float first = a[j] * c[j] - b[j] * turn;
            b[j] = b[j] * c[j] + a[j] * turn;
            a[j] = first;
        }
    }
    store(target, a);
    store(target + half, b);
}
