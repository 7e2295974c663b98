// The heads of tokens whose cache keeps components, for prompts: many queries read them, so they are composed once and
// the attention has rows as short as heads. head[g] = M[g] · components for each token of some pages, times the token's
// factor of that head where the cache has factors.
//
// A block takes a head and every so many of the pages, 64 tokens at a time; its matrix stays in shared memory. A warp
// has 16 tokens. Products are mma.m16n8k16, bfloat16 in, float32 out.
//
// Compile-time: WIDTH (component numbers of a token, a multiple of 16), DIM (of a head, a multiple of 16). For compute
// capability 8.0 and later. Compiled behind bfloat16.cuh and tensor_cores.cuh.

#define TOKENS 64
#define THREADS 128
#define STRIDE (WIDTH + 8) // an odd multiple of 16 bytes: eight rows lie in different banks

// Rows of WIDTH to shared memory, 16 bytes a thread at a time.
__device__ __forceinline__ void bring(u32 target, const bf16* source, int rows)
{
    constexpr int parts = WIDTH / 8;
    for (int i = threadIdx.x; i < rows * parts; i += THREADS)
        copy_async(target + (i / parts * STRIDE + i % parts * 8) * 2, source + (long long)i * 8, true);
    asm volatile("cp.async.commit_group;\n" ::: "memory");
}

extern "C" __global__ void __launch_bounds__(THREADS)
compose_pages(const bf16* __restrict__ components,      // [pool, 1, page_tokens, WIDTH]
              const bf16* __restrict__ matrices,        // [heads, DIM, WIDTH]
              const bf16* __restrict__ factors,         // [pool, heads, page_tokens]; null for none
              long long factor_page, long long factor_head,
              const int* __restrict__ pages, int count, // of the pool; the list ends before the first below 0
              int page_tokens, bf16* __restrict__ composed) // [count, heads, page_tokens, DIM]
{
    extern __shared__ __align__(128) unsigned char memory[];
    const u32 matrix = shared_address(memory), tile = matrix + DIM * STRIDE * 2;
    const int head = blockIdx.y, heads = gridDim.y, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if ((int)blockIdx.x >= count || pages[blockIdx.x] < 0) return;
    bring(matrix, matrices + (long long)head * DIM * WIDTH, DIM);
    const u32 own_tokens = tile + ((warp * 16 + lane % 16) * STRIDE + lane / 16 * 8) * 2,
        own_rows = matrix + (lane % 8 * STRIDE + lane / 8 * 8) * 2;

    for (int place = blockIdx.x; place < count; place += gridDim.x)
    {
        const int page = pages[place];
        if (page < 0) break;
        for (int start = 0; start < page_tokens; start += TOKENS)
        {
            bring(tile, components + ((long long)page * page_tokens + start) * WIDTH, TOKENS);
            asm volatile("cp.async.wait_group 0;\n" ::: "memory");
            __syncthreads();
            float sum[DIM / 8][4];
#pragma unroll
            for (int n = 0; n < DIM / 8; n++)
#pragma unroll
                for (int c = 0; c < 4; c++) sum[n][c] = 0;
#pragma unroll 2
            for (int k = 0; k < WIDTH / 16; k += 2)
            {
                u32 first[4], second[4] = { 0, 0, 0, 0 };
                load4(first, own_tokens + k * 32);
                if (k + 1 < WIDTH / 16) load4(second, own_tokens + k * 32 + 32);
#pragma unroll
                for (int n = 0; n < DIM / 8; n++)
                {
                    u32 b[4];                           // of two depths; the second lies behind the row in the end
                    load4(b, own_rows + (n * 8 * STRIDE + k * 16) * 2);
                    multiply_add(sum[n], first, b[0], b[1]);
                    if (k + 1 < WIDTH / 16) multiply_add(sum[n], second, b[2], b[3]);
                }
            }
            const int token = start + warp * 16 + lane / 4;
            float upper = 1, lower = 1;
            if (factors)
            {
                const bf16* own = factors + page * factor_page + head * factor_head + token;
                upper = widen(own[0]);
                lower = widen(own[8]);
            }
            bf16* to = composed + (((long long)place * heads + head) * page_tokens + token) * DIM + lane % 4 * 2;
#pragma unroll
            for (int n = 0; n < DIM / 8; n++)
            {
                *(u32*)(to + n * 8) = pack(sum[n][0] * upper, sum[n][1] * upper);
                *(u32*)(to + 8 * DIM + n * 8) = pack(sum[n][2] * lower, sum[n][3] * lower);
            }
            __syncthreads();                            // before the next tile is brought
        }
    }
}
