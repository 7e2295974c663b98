// y = x wᵀ + bias + residual for many tokens and a packed weight (packed_weights.cuh). The weight's numbers become
// bfloat16 on their way to the tensor cores (mma.m16n8k16, float32 out), rounded once, as packed_rows.cu does. A record
// is read once for TOKENS tokens, into the registers of the warp that multiplies it, and the next while it does.
//
// A block's WARPS warps take TILES tiles each, and TOKENS tokens together. The tokens' columns of a unit are a chunk in
// shared memory, of which there are STAGES. Where tiles are few, the blocks of a cluster share the units of theirs: a
// block's place in it is blockIdx.x, its tokens are blockIdx.y and its tiles blockIdx.z.
//
// Compile-time: FORMAT, TILES, WARPS, TOKENS (a multiple of 8), STAGES, GLU (1: a warp's first tile is of a gate, its
// second the same of up, `outputs` rows further on, and y = silu(gate)·up). For compute capability 8.0 and later.
// Compiled behind bfloat16.cuh, tensor_cores.cuh, launches.cuh, clusters.cuh and packed_weights.cuh.

#define THREADS (32 * WARPS)
#define OWN_TILES (GLU ? TILES / 2 : TILES)             // a warp's tiles of outputs
#define OUTPUTS_OF_BLOCK (WARPS * OWN_TILES * TILE_ROWS)
#define GROUPS (TOKENS / 8)
#define STRIDE (UNIT + 32)                              // of a chunk's tokens: two lie in different banks
#define CHUNK (TOKENS * STRIDE)
#define RESULT_STRIDE (WARPS * TILES * TILE_ROWS + 4)   // of a token's results: so do four
#define SHIFTED (Format::BASE != 0 || Format::OFFSET != 0)

// What a lane has of a unit: its numbers, and the factors of its pair of rows.
struct Weights
{
    u32 words[4 * Format::VECTORS], factors[Format::PLANES][RUNS], tail[2];
};

__device__ __forceinline__ void take(u32* target, const u8* source)
{
    const uint4 v = stream(source);
    target[0] = v.x; target[1] = v.y; target[2] = v.z; target[3] = v.w;
}

__device__ __forceinline__ void fetch(Weights& w, const u8* record, int lane)
{
#pragma unroll
    for (int i = 0; i < Format::VECTORS; i++) take(w.words + 4 * i, record + lane_word(lane, 4 * i));
#pragma unroll
    for (int plane = 0; plane < Format::PLANES; plane++)
#pragma unroll
        for (int run = 0; run < RUNS; run += 4) take(w.factors[plane] + run, record + plane_word(plane, lane / 4, run));
#pragma unroll
    for (int upper = 0; upper < 2 * Format::TAIL; upper++)
        w.tail[upper] = *(const u32*)(record + tail_word(lane / 4, upper));
}

// A lane's weights of a run: of each half the rows and columns that a product takes.
__device__ __forceinline__ void widen_run(u32 (&a)[2][4], const Weights& w, int run)
{
    auto words = [&](int k) { return w.words[k]; };
#pragma unroll
    for (int half = 0; half < 2; half++)
#pragma unroll
        for (int k = 0; k < 4; k++)
        {
            const int upper = k % 2;
            const u32 first = w.factors[0][run], second = w.factors[Format::PLANES - 1][run],
                tail = w.tail[Format::TAIL ? upper : 0], numbers = Format::pair(words, run, upper, half, k / 2);
            const float factor = Format::factor(first, second, tail, upper, Format::SUBS == 2 ? half : 0);
            float low = widen((bf16)(numbers & 0xffff)) * factor, high = widen((bf16)(numbers >> 16)) * factor;
            if (SHIFTED)
            {
                const float offset = Format::offset(first, second, tail, upper) - Format::BASE * factor;
                low += offset;
                high += offset;
            }
            a[half][k] = pack(low, high);
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
            u32 a[TILES][2][4];
#pragma unroll
            for (int t = 0; t < TILES; t++) widen_run(a[t], weights[t], run);
#pragma unroll
            for (int group = 0; group < GROUPS; group++)
            {
                const uint4 b = *(const uint4*)(columns + 8 * group * STRIDE + RUN * run);
#pragma unroll
                for (int t = 0; t < TILES; t++)
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
    for (int i = blockIdx.x * THREADS + threadIdx.x; i < OUTPUTS_OF_BLOCK * TOKENS; i += parts * THREADS)
    {
        const int local = i % OUTPUTS_OF_BLOCK, column = i / OUTPUTS_OF_BLOCK,
            output = blockIdx.z * OUTPUTS_OF_BLOCK + local;
        if (column >= tokens || output >= outputs) continue;
        const int of_warp = local / (OWN_TILES * TILE_ROWS), within = local % (OWN_TILES * TILE_ROWS);
        const u32 address = chunks + (column * RESULT_STRIDE + of_warp * TILES * TILE_ROWS + within) * 4;
        float total = 0, up = 0;
        for (int part = 0; part < parts; part++)
        {
            total += read_peer(address_of_peer(address, part));
            if (GLU) up += read_peer(address_of_peer(address + OWN_TILES * TILE_ROWS * 4, part));
        }
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
    if (parts > 1) cluster_barrier(); // a block's memory stays until its peers have read it
}
