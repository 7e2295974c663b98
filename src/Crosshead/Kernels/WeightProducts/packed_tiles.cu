// y = x wᵀ + bias + residual for many tokens and a packed weight (packed_weights.cuh), through tensor cores
// (mma.m16n8k16, bfloat16 in, float32 out). A record is read once for TOKENS tokens, into the registers of the warp
// that multiplies it, and the next while it does. With SUMS the numbers are multiplied as they are, and the sums of
// runs by the factors, as in packed_matmul.cu: that is less work for few tokens. Without, the numbers are multiplied by
// the factors and rounded once, as packed_rows.cu does.
//
// A block's WARPS warps take TILES tiles each, and TOKENS tokens together. The tokens' columns of a unit are a chunk in
// shared memory, of which there are STAGES. Where tiles are few, the blocks of a cluster share the units of theirs: a
// block's place in it is blockIdx.x, its tokens are blockIdx.y and its tiles blockIdx.z.
//
// Compile-time: FORMAT, TILES, WARPS, TOKENS (a multiple of 8), STAGES, SUMS, GLU (1: a warp's first tile is of a gate,
// its second the same of up, `outputs` rows further on, and y = silu(gate)·up). For compute capability 8.0 and later.
// Compiled behind bfloat16.cuh, tensor_cores.cuh, launches.cuh, clusters.cuh, packed_formats.cuh, packed_layout.cuh
// and packed_records.cuh.

#define THREADS (32 * WARPS)
#define OWN_TILES (GLU ? TILES / 2 : TILES)             // a warp's tiles of outputs
#define OUTPUTS_OF_BLOCK (WARPS * OWN_TILES * TILE_ROWS)
#define GROUPS (TOKENS / 8)
#define MOST_PARTS 8                                    // blocks of a cluster
#define STRIDE (UNIT + 32)                              // of a chunk's tokens: two lie in different banks
#define CHUNK (TOKENS * STRIDE)
#define RESULT_STRIDE (WARPS * TILES * TILE_ROWS + 4)   // of a token's results: so do four
#define SHIFTED (Format::BASE != 0 || Format::OFFSET != 0)
#define ONES 0x3f803f80

typedef u32 Run[2][4]; // of each half the rows and columns of a lane that a product takes

// Those of a run as the format's numbers or, without SUMS, as weights.
__device__ __forceinline__ void widen_run(Run& a, const Weights& w, int run)
{
    auto words = [&](int k) { return w.words[k]; };
#pragma unroll
    for (int half = 0; half < 2; half++)
#pragma unroll
        for (int k = 0; k < 4; k++)
        {
            const int upper = k % 2;
            a[half][k] = Format::pair(words, run, upper, half, k / 2);
            if (SUMS) continue;
            const u32 first = w.factors[0][run], second = w.factors[SOME_PLANES - 1][run],
                tail = w.tails[upper][tail_of(run)];
            const float factor = Format::factor(first, second, tail, upper, Format::SUBS == 2 ? half : 0);
            float low = widen((bf16)(a[half][k] & 0xffff)) * factor, high = widen((bf16)(a[half][k] >> 16)) * factor;
            if (SHIFTED)
            {
                const float offset = Format::offset(first, second, tail, upper) - Format::BASE * factor;
                low += offset;
                high += offset;
            }
            a[half][k] = pack(low, high);
        }
}

// As multiply_add, to zeros.
__device__ __forceinline__ void multiply(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1)
{
#pragma unroll
    for (int j = 0; j < 4; j++) c[j] = 0;
    multiply_add(c, a, b0, b1);
}

// The sums of a run [SUBS], its halves apart where they have factors of their own.
__device__ __forceinline__ void multiply_run(float (&c)[Format::SUBS][4], const Run& a, uint4 b)
{
    multiply(c[0], a[0], b.x, b.y);
    if (Format::SUBS == 2) multiply(c[Format::SUBS - 1], a[1], b.z, b.w);
    else multiply_add(c[0], a[1], b.z, b.w);
}

// Adds the products of a run and 8 tokens times its factors. What numbers are too large by, and offsets, multiply the
// tokens' plain sums.
__device__ __forceinline__ void add_run(float (&sums)[4], const Weights& w, int run, const Run& a, uint4 b,
    const float (&plain)[Format::SUBS][4])
{
    float products[Format::SUBS][4];
    multiply_run(products, a, b);
#pragma unroll
    for (int j = 0; j < 4; j++)
#pragma unroll
        for (int sub = 0; sub < Format::SUBS; sub++)
        {
            const int upper = j / 2;
            const u32 first = w.factors[0][run], second = w.factors[SOME_PLANES - 1][run],
                tail = w.tails[upper][tail_of(run)];
            const float factor = Format::factor(first, second, tail, upper, sub);
            sums[j] += factor * products[sub][j];
            if (SHIFTED)
                sums[j] += (Format::offset(first, second, tail, upper) - Format::BASE * factor) * plain[sub][j];
        }
}

// BYTES of a token, or zeros where they are not there.
template <int BYTES> __device__ __forceinline__ void copy_part(u32 target, const void* source, bool there)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;\n" ::"r"(target), "l"(source), "n"(BYTES),
        "r"(there ? BYTES : 0) : "memory");
}

// The columns from `first` on of the block's tokens: those of a lane in a run lie together.
__device__ __forceinline__ void copy_chunk(u32 target, const bf16* x, int first, int tokens, int inputs)
{
    constexpr int part = Format::SUBS == 2 ? 4 : 8, parts = UNIT / part;
#pragma unroll 4
    for (int i = threadIdx.x; i < TOKENS * parts; i += THREADS)
    {
        const int token = i / parts, column = i % parts * part, within = column % RUN;
        const int place = Format::SUBS == 2 ? column - within + within % 16 / 4 * 8 + within / 16 * 4 : column;
        const bool there = token < tokens && first + column < inputs;
        copy_part<2 * part>(target + (token * STRIDE + place) * 2,
            there ? x + (long long)token * inputs + first + column : x, there);
    }
}

// Four results, summed over the blocks of a cluster: all are asked for at once.
__device__ __forceinline__ void join(float (&sums)[4], const float* results, int parts)
{
    float4 found[MOST_PARTS], sum = make_float4(0, 0, 0, 0);
#pragma unroll
    for (int part = 0; part < MOST_PARTS; part++)
        if (part < parts)
            found[part] = parts == 1 ? *(const float4*)results
                : read_peer4(address_of_peer(shared_address(results), part));
#pragma unroll
    for (int part = 0; part < MOST_PARTS; part++)
        if (part < parts)
        {
            sum.x += found[part].x; sum.y += found[part].y; sum.z += found[part].z; sum.w += found[part].w;
        }
    sums[0] = sum.x; sums[1] = sum.y; sums[2] = sum.z; sums[3] = sum.w;
}

// x [tokens, inputs], w the records of [outputs, inputs] (GLU: [2·outputs, inputs]), y rows of `stride` elements, as
// are those of the residual; null for none.
extern "C" __global__ void __launch_bounds__(THREADS) packed_tiles(const bf16* __restrict__ x,
    const u8* __restrict__ w, const bf16* __restrict__ bias, bf16* __restrict__ y, int tokens, int outputs, int inputs,
    int stride, const bf16* __restrict__ residual)
{
    extern __shared__ __align__(128) unsigned char memory[];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = lane / 4, quad = lane % 4;
    const int units = (inputs + UNIT - 1) / UNIT, tiles = (outputs + TILE_ROWS - 1) / TILE_ROWS;
    const int parts = gridDim.x, own = (units + parts - 1) / parts, from = blockIdx.x * own,
        count = min(own, units - from); // not positive where there is nothing to do

    const u8* records[TILES];
#pragma unroll
    for (int t = 0; t < TILES; t++)
    {
        const int tile = min((int)(blockIdx.z * WARPS + warp) * OWN_TILES + t % OWN_TILES, tiles - 1)
            + t / OWN_TILES * tiles;
        records[t] = w + ((long long)tile * units + from) * RECORD_BYTES;
    }
    Weights weights[TILES], next[TILES];
    auto fetch_unit = [&](Weights (&to)[TILES], int i) {
        if (i < count)
#pragma unroll
            for (int t = 0; t < TILES; t++) fetch(to[t], records[t] + (long long)i * RECORD_BYTES, lane);
    };
    fetch_unit(weights, 0); // the weight is there before the tokens are
    let_follow();
    follow();

    const int first_token = blockIdx.y * TOKENS;
    x += (long long)first_token * inputs;
    tokens -= first_token;
    const u32 chunks = shared_address(memory);
    auto bring = [&](int i) {
        if (i < count) copy_chunk(chunks + i % STAGES * CHUNK * 2, x, (from + i) * UNIT, tokens, inputs);
        asm volatile("cp.async.commit_group;\n" ::: "memory");
    };
#pragma unroll
    for (int i = 0; i < STAGES - 1; i++) bring(i);

    float sums[TILES][GROUPS][4] = {};
    for (int i = 0; i < count; i++)
    {
        asm volatile("cp.async.wait_group %0;\n" ::"n"(STAGES - 2) : "memory");
        __syncthreads(); // this chunk is there, and nobody reads the one before
        bring(i + STAGES - 1);
        fetch_unit(next, i + 1);
        const bf16* columns = (const bf16*)memory + i % STAGES * CHUNK + row * STRIDE + 8 * quad;
#pragma unroll
        for (int run = 0; run < RUNS; run++)
        {
            Run a[TILES];
#pragma unroll
            for (int t = 0; t < TILES; t++) widen_run(a[t], weights[t], run);
#pragma unroll
            for (int group = 0; group < GROUPS; group++)
            {
                const uint4 b = *(const uint4*)(columns + 8 * group * STRIDE + RUN * run);
                float plain[Format::SUBS][4];
                const Run ones = { { ONES, ONES, ONES, ONES }, { ONES, ONES, ONES, ONES } };
                if (SUMS && SHIFTED) multiply_run(plain, ones, b);
#pragma unroll
                for (int t = 0; t < TILES; t++)
                    if (SUMS) add_run(sums[t][group], weights[t], run, a[t], b, plain);
                    else
                    {
                        multiply_add(sums[t][group], a[t][0], b.x, b.y);
                        multiply_add(sums[t][group], a[t][1], b.z, b.w);
                    }
            }
        }
#pragma unroll
        for (int t = 0; t < TILES; t++) weights[t] = next[t];
    }

    // The results of a cluster's blocks meet where the chunks were.
    asm volatile("cp.async.wait_all;\n" ::: "memory");
    __syncthreads();
    float* results = (float*)memory; // [TOKENS, RESULT_STRIDE]
#pragma unroll
    for (int t = 0; t < TILES; t++)
#pragma unroll
        for (int group = 0; group < GROUPS; group++)
#pragma unroll
            for (int j = 0; j < 4; j++)
                results[(8 * group + 2 * quad + j % 2) * RESULT_STRIDE + (warp * TILES + t) * TILE_ROWS + row
                    + 8 * (j / 2)] = sums[t][group][j];
    cluster_barrier();
    for (int i = blockIdx.x * THREADS + threadIdx.x; i < OUTPUTS_OF_BLOCK / 4 * TOKENS; i += parts * THREADS)
    {
        const int local = i % (OUTPUTS_OF_BLOCK / 4) * 4, column = i / (OUTPUTS_OF_BLOCK / 4),
            first = blockIdx.z * OUTPUTS_OF_BLOCK + local;
        if (column >= tokens || first >= outputs) continue;
        const int of_warp = local / (OWN_TILES * TILE_ROWS), within = local % (OWN_TILES * TILE_ROWS),
            place = column * RESULT_STRIDE + of_warp * TILES * TILE_ROWS + within;
        float totals[4], ups[4];
        join(totals, results + place, parts);
        if (GLU) join(ups, results + place + OWN_TILES * TILE_ROWS, parts);
#pragma unroll
        for (int j = 0; j < 4; j++)
        {
            const int output = first + j;
            if (output >= outputs) break;
            float total = totals[j], up = GLU ? ups[j] : 0;
            if (bias)
            {
                total += widen(bias[output]);
                if (GLU) up += widen(bias[outputs + output]);
            }
            if (GLU) total = total / (1 + __expf(-total)) * up;
            const long long at = (long long)(first_token + column) * stride + output;
            if (residual) total += widen(residual[at]);
            y[at] = narrow(total);
        }
    }
    if (parts > 1) cluster_barrier(); // a block's memory stays until its peers have read it
}
