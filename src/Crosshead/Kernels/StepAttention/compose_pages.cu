// The heads of tokens whose cache keeps components, for prompts: many queries read them, so they are composed once and
// the attention has rows as short as heads. head[g] = M[g] · components for each token of some pages, times the token's
// factor of that head where the cache has factors. Keys and values in one launch.
//
// A block takes some rows of the matrices and every so many of the pages, 64 tokens at a time, which travel through a
// ring in shared memory (cp.async). A warp keeps its rows of the matrices in registers and takes all tokens of a tile.
// Products are mma.m16n8k16, bfloat16 in, float32 out. Which row of a matrix stands where in a product is free: a lane
// ends up with numbers of a token that follow each other.
//
// Compile-time: KEY_WIDTH, VALUE_WIDTH (component numbers of a token, multiples of 16), DIM (of a head, a multiple of
// 16). For compute capability 8.0 and later. Compiled behind bfloat16.cuh, tensor_cores.cuh and launches.cuh.

#define TOKENS 64
#define THREADS 128
#define STAGES 3
#define GROUPS 4                                             // of 8 tokens, side by side

// Rows of WIDTH to shared memory, 16 bytes a thread at a time.
template <int WIDTH> __device__ __forceinline__ void bring(u32 target, const bf16* source, int rows)
{
    constexpr int parts = WIDTH / 8, stride = WIDTH + 8;     // an odd multiple of 16 bytes: eight rows in other banks
    for (int i = threadIdx.x; i < rows * parts; i += THREADS)
        copy_async(target + (i / parts * stride + i % parts * 8) * 2, source + (long long)i * 8, true);
}

__device__ __forceinline__ void close_group() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }

template <int ALLOWED> __device__ __forceinline__ void wait_groups()
{
    asm volatile("cp.async.wait_group %0;\n" ::"n"(ALLOWED) : "memory");
    __syncthreads();
}

__device__ __forceinline__ u32 turn(u32 x)                   // 8 x 8 numbers, of which a lane has two neighbours
{
    u32 r;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;\n" : "=r"(r) : "r"(x));
    return r;
}

// components [pool, 1, page_tokens, WIDTH], matrices [outputs, WIDTH], factors [pool, heads, page_tokens] or null,
// pages [count] of the pool, of which the list ends before the first below 0; composed
// [count, heads, page_tokens, DIM].
template <int WIDTH> __device__ __forceinline__ void compose(u32 ring, const bf16* components, const bf16* matrices,
    const bf16* factors, long long factor_page, long long factor_head, const int* pages, int count, int page_tokens,
    int outputs, bf16* composed)
{
    constexpr int stride = WIDTH + 8, depths = WIDTH / 16, tiles = DIM % 32 == 0 && WIDTH <= 256 ? 2 : 1,
        own = 16 * tiles, tile_bytes = TOKENS * stride * 2;  // own: rows of a warp, all of one head
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int block_row = blockIdx.y * 4 * own, row = block_row + warp * own;
    const int of_page = page_tokens / TOKENS, all = count * of_page, step = gridDim.x;
    auto page_of = [&](int i) { return i < all ? pages[i / of_page] : -1; };
    int at = blockIdx.x, page = page_of(at), coming = page_of(at + step);
    if (block_row >= outputs || page < 0) return;

    // The matrices' rows lie where the first two tiles will not.
    auto stage = [&](int i) { return ring + (i + 2) % STAGES * tile_bytes; };
    auto bring_tile = [&](int i, int from, int tile)
    {
        if (from >= 0)
            bring<WIDTH>(stage(i), components + ((long long)from * page_tokens + tile % of_page * TOKENS) * WIDTH,
                TOKENS);
        close_group();
    };
    bring<WIDTH>(ring, matrices + (long long)block_row * WIDTH, min(4 * own, outputs - block_row));
    close_group();
    bring_tile(0, page, at);
    wait_groups<1>();
    u32 matrix[tiles][depths][4];
    {
        const int j = lane % 8, half = lane / 8 % 2;
#pragma unroll
        for (int t = 0; t < tiles; t++)
        {
            const u32 place = ring + ((warp * own + j / 2 * 4 * tiles + (t * 2 + half) * 2 + j % 2) * stride
                + lane / 16 * 8) * 2;
#pragma unroll
            for (int d = 0; d < depths; d++) load4(matrix[t][d], place + d * 32);
        }
    }
    __syncthreads();
    bring_tile(1, coming, at + step);

    for (int i = 0; page >= 0; i++)
    {
        const int next = page_of(at + 2 * step);
        wait_groups<1>();                                    // tile i is there; nobody reads tile i − 1
        bring_tile(i + 2, coming >= 0 ? next : -1, at + 2 * step);
        const int head = row / DIM, start = at % of_page * TOKENS;
        const u32 tokens = stage(i) + (lane % 8 * stride + lane / 8 * 8) * 2;
        bf16* to = composed + row % DIM + lane % 4 * 4 * tiles
            + (((long long)(at / of_page) * (outputs / DIM) + head) * page_tokens + start + lane / 4) * DIM;
        if (row < outputs)
#pragma unroll 1
            for (int n = 0; n < TOKENS / 8; n += GROUPS)
            {
                float sum[tiles][GROUPS][4];
#pragma unroll
                for (int t = 0; t < tiles; t++)
#pragma unroll
                    for (int g = 0; g < GROUPS; g++)
#pragma unroll
                        for (int c = 0; c < 4; c++) sum[t][g][c] = 0;
#pragma unroll
                for (int d = 0; d < depths; d += 2)
#pragma unroll
                    for (int g = 0; g < GROUPS; g++)
                    {
                        u32 b[4];                            // of two depths; the second lies behind the row in the end
                        load4(b, tokens + ((n + g) * 8 * stride + d * 16) * 2);
#pragma unroll
                        for (int t = 0; t < tiles; t++)
                        {
                            multiply_add(sum[t][g], matrix[t][d], b[0], b[1]);
                            if (d + 1 < depths)
                                multiply_add(sum[t][g], matrix[t][d + 1 < depths ? d + 1 : d], b[2], b[3]);
                        }
                    }
#pragma unroll
                for (int g = 0; g < GROUPS; g++)
                {
                    float left = 1, right = 1;               // of two tokens
                    if (factors)
                    {
                        const u32 both = *(const u32*)(factors + page * factor_page + head * factor_head + start
                            + (n + g) * 8 + lane % 4 * 2);
                        left = widen((bf16)both);
                        right = widen((bf16)(both >> 16));
                    }
                    u32 numbers[2 * tiles];                  // of a token, in order
#pragma unroll
                    for (int t = 0; t < tiles; t++)
#pragma unroll
                        for (int h = 0; h < 2; h++)
                            numbers[t * 2 + h] = turn(pack(sum[t][g][h * 2] * left, sum[t][g][h * 2 + 1] * right));
                    bf16* own_token = to + (n + g) * 8 * DIM;
                    if (tiles == 2)
                        *(uint4*)own_token = make_uint4(numbers[0], numbers[1], numbers[tiles], numbers[tiles + 1]);
                    else *(uint2*)own_token = make_uint2(numbers[0], numbers[1]);
                }
            }
        at += step;
        page = coming;
        coming = coming >= 0 ? next : -1;
    }
    asm volatile("cp.async.wait_group 0;\n" ::: "memory");
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
compose_pages(const bf16* __restrict__ keys, const bf16* __restrict__ key_matrices, const bf16* __restrict__ factors,
              long long factor_page, long long factor_head, bf16* __restrict__ composed_keys,
              const bf16* __restrict__ values, const bf16* __restrict__ value_matrices,
              bf16* __restrict__ composed_values, const int* __restrict__ pages, int count, int page_tokens,
              int outputs)
{
    extern __shared__ __align__(128) unsigned char memory[];
    const u32 ring = shared_address(memory);
    follow();
    let_follow();
    if (blockIdx.z == 0)
        compose<KEY_WIDTH>(ring, keys, key_matrices, factors, factor_page, factor_head, pages, count, page_tokens,
            outputs, composed_keys);
    else
        compose<VALUE_WIDTH>(ring, values, value_matrices, nullptr, 0, 0, pages, count, page_tokens, outputs,
            composed_values);
}
