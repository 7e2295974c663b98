// y = x wᵀ + bias for a few tokens: bound by reading the weight, so it is read once, 16 bytes a thread at a time and
// much of it at once, straight into the registers of the tensor cores' product (mma.m16n8k16, bfloat16 in, float32
// out).
//
// A warp takes TILES tiles of 16 outputs and a part of the inputs, a block's WARPS warps all parts; their sums meet in
// shared memory. The order of inputs within a product is free as long as weight and tokens agree on it: a thread takes
// 8 inputs in a row of a weight's row, the same 8 of a token, and they serve two products.
//
// Compile-time: TILES, WARPS, DEPTH (steps of 32 inputs read at once), GROUPS (groups of 8 tokens), GLU (1 or 2: tile 0
// of a block are rows of a gate, tile 1 the same rows of up, `outputs` rows further on, and y is what gates.cuh says),
// EXPERTS (1: a weight and a bias an expert, see below), HEADS (1: a weight a group of heads, see below), WIDE (1: y in
// float32). For compute capability 8.0 and later; compiled behind bfloat16.cuh, tensor_cores.cuh, launches.cuh and
// gates.cuh.

#if WIDE
typedef float result;
#else
typedef bf16 result;
#endif

#define STEP 32
#define COLUMNS (8 * GROUPS)
#define OUTPUTS_OF_BLOCK (GLU ? 16 : 16 * TILES)

__device__ inline void store(result* y, float x)
{
#if WIDE
    *y = x;
#else
    *y = narrow(x);
#endif
}

// Weights are read once: they leave what others read again where it is.
__device__ inline uint4 stream(const bf16* p)
{
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];\n" : "=r"(v.x), "=r"(v.y),
        "=r"(v.z), "=r"(v.w) : "l"(p));
    return v;
}

// x [tokens, inputs], w [outputs, inputs] (GLU: [2·outputs, inputs]), y [tokens, outputs]. With experts, w is one such
// matrix an expert; block row e serves expert chosen[e], −1 for none, whose tokens are places[starts[e]] …
// places[starts[e+1] − 1]: y's rows are these places, x's the places divided by `shared`. With heads, w is a matrix a
// group of `shared` heads and x and y are [sequences, heads, …]: block row e serves group e, and block layer z 8·GROUPS
// of its `tokens` rows; *chosen says how many sequences are wanted, null for all.
extern "C" __global__ void __launch_bounds__(32 * WARPS) skinny_matmul(const bf16* __restrict__ x,
    const bf16* __restrict__ w, const bf16* __restrict__ bias, result* __restrict__ y, int tokens, int outputs,
    int inputs, const int* __restrict__ chosen, const int* __restrict__ starts,
    const int* __restrict__ places, int shared, float limit)
{
    __shared__ float sums[WARPS][TILES * 16][COLUMNS + 1];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = lane / 4, quad = lane % 4;
    const int first = blockIdx.x * OUTPUTS_OF_BLOCK;
#if EXPERTS || HEADS
    follow(); // which experts there are is known only when the router is done; heads' matrices may have just been made
    let_follow();
#endif
#if EXPERTS
    const int expert = chosen[blockIdx.y];
    if (expert < 0) return;
    w += (long long)expert * outputs * (GLU ? 2 : 1) * inputs;
    if (bias) bias += (long long)expert * outputs * (GLU ? 2 : 1);
    const int begin = starts[blockIdx.y];
    tokens = starts[blockIdx.y + 1] - begin;
#elif HEADS
    w += (long long)blockIdx.y * outputs * inputs;
    const int begin = blockIdx.z * COLUMNS;
    if (chosen) tokens = min(tokens, *chosen * shared);
    tokens = min(tokens - begin, COLUMNS);
    if (tokens <= 0) return;
#endif
    // The row of y that a token is, and the row of x.
    auto place_of = [&](int token) -> long long {
#if EXPERTS
        return places[begin + token];
#elif HEADS
        const int row = begin + token;
        return (long long)(row / shared * gridDim.y + blockIdx.y) * shared + row % shared;
#else
        return token;
#endif
    };
    auto row_of = [&](int token) -> long long { return EXPERTS ? place_of(token) / shared : place_of(token); };

    const bf16* rows[TILES][2];
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int half = 0; half < 2; half++)
        {
            const int output = min(first + (GLU ? 0 : 16 * tile) + 8 * half + row, outputs - 1)
                + (GLU ? tile * outputs : 0);
            rows[tile][half] = w + (long long)output * inputs + 8 * quad;
        }

    const int steps = (inputs + STEP - 1) / STEP, own = (steps + WARPS - 1) / WARPS;
    const int from = warp * own, to = min(from + own, steps);
    const uint4 none = make_uint4(0, 0, 0, 0);
    uint4 weights[DEPTH][TILES][2];
    auto fetch = [&](int start) {
#pragma unroll
        for (int d = 0; d < DEPTH; d++)
        {
            const int at = (start + d) * STEP;
            const bool there = start + d < to && at + 8 * quad < inputs;
#pragma unroll
            for (int tile = 0; tile < TILES; tile++)
#pragma unroll
                for (int half = 0; half < 2; half++)
                    weights[d][tile][half] = there ? stream(rows[tile][half] + at) : none;
        }
    };
    fetch(from); // the weight is there before the tokens are

#if !EXPERTS && !HEADS
    let_follow();
    follow();
#endif

    for (int base = 0; base < tokens; base += COLUMNS)
    {
        if (base > 0) fetch(from);
        const bf16* columns[GROUPS];
#pragma unroll
        for (int group = 0; group < GROUPS; group++)
        {
            const int token = base + 8 * group + row;
            columns[group] = token < tokens ? x + row_of(token) * inputs + 8 * quad : nullptr;
        }
        float products[TILES][GROUPS][4] = {};
        for (int start = from; start < to; start += DEPTH)
        {
            if (start > from) fetch(start);
#pragma unroll
            for (int d = 0; d < DEPTH; d++)
            {
                const int at = (start + d) * STEP;
                const bool there = start + d < to && at + 8 * quad < inputs;
#pragma unroll
                for (int group = 0; group < GROUPS; group++)
                {
                    const uint4 token = there && columns[group] ? *(const uint4*)(columns[group] + at) : none;
#pragma unroll
                    for (int tile = 0; tile < TILES; tile++)
                    {
                        const uint4 upper = weights[d][tile][0], lower = weights[d][tile][1];
                        multiply_add(products[tile][group], { upper.x, lower.x, upper.y, lower.y }, token.x, token.y);
                        multiply_add(products[tile][group], { upper.z, lower.z, upper.w, lower.w }, token.z, token.w);
                    }
                }
            }
        }

#pragma unroll
        for (int tile = 0; tile < TILES; tile++)
#pragma unroll
            for (int group = 0; group < GROUPS; group++)
#pragma unroll
                for (int i = 0; i < 4; i++)
                    sums[warp][16 * tile + row + 8 * (i / 2)][8 * group + 2 * quad + i % 2] = products[tile][group][i];
        __syncthreads();
        for (int i = threadIdx.x; i < OUTPUTS_OF_BLOCK * COLUMNS; i += 32 * WARPS)
        {
            const int output = i % OUTPUTS_OF_BLOCK, column = i / OUTPUTS_OF_BLOCK;
            if (base + column >= tokens || first + output >= outputs) continue;
            float total = 0;
            for (int part = 0; part < WARPS; part++) total += sums[part][output][column];
#if GLU
            float up = 0;
            for (int part = 0; part < WARPS; part++) up += sums[part][16 + output][column];
            if (bias)
            {
                total += widen(bias[first + output]);
                up += widen(bias[outputs + first + output]);
            }
            total = gated(total, up, limit);
#else
            if (bias) total += widen(bias[first + output]);
#endif
            store(y + place_of(base + column) * outputs + first + output, total);
        }
        __syncthreads();
    }
}
