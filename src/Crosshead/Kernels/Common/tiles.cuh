// Tiles of a cache's rows: where they lie, and two ways to bring them to shared memory (cp.async). Behind
// tensor_cores.cuh. Compile-time: TOKENS (a tile's), PAGED.

// Where a span's tiles lie: in order or, PAGED, in pages that a table lists; a tile never straddles two.
struct Tiles
{
    const int* table;
    int page_tokens, sequence, first, count;
    __device__ __forceinline__ int page(int i) const // a sequence in order is one page
    {
#if PAGED
        return i < count ? table[(first + i) * TOKENS / page_tokens] : 0;
#else
        return sequence;
#endif
    }
    __device__ __forceinline__ long long token(int i) const // of the page, a tile's first
    {
#if PAGED
        return (first + i) * TOKENS % page_tokens;
#else
        return (long long)(first + i) * TOKENS;
#endif
    }
};

// A tile to rows STRIDE elements apart, a part of 16 bytes a thread at a time; zeros from token `there` on.
template <int WIDTH, int STRIDE, int THREADS_OF_BLOCK>
__device__ __forceinline__ void copy_tile(u32 target, const bf16* source, long long token_stride, int there)
{
    constexpr int parts = WIDTH / 8, threads = THREADS_OF_BLOCK;
    if (threads % parts == 0 && TOKENS % (threads / parts) == 0)  // a thread keeps its column
    {
        constexpr int step = threads % parts == 0 ? threads / parts : 1;
        const int token = threadIdx.x / parts, part = threadIdx.x % parts;
        source += token * token_stride + part * 8;
        target += (token * STRIDE + part * 8) * 2;
        if (there >= TOKENS)
#pragma unroll
            for (int i = 0; i < TOKENS / step; i++)
                copy_async(target + i * step * STRIDE * 2, source + i * step * token_stride, true);
        else
            for (int i = 0; i < TOKENS / step; i++)
            {
                const bool is = token + i * step < there;
                copy_async(target + i * step * STRIDE * 2,
                    is ? source + i * step * token_stride : source - token * token_stride, is);
            }
        return;
    }
    for (int i = threadIdx.x; i < TOKENS * parts; i += threads)
    {
        const int token = i / parts, part = i % parts;
        copy_async(target + (token * STRIDE + part * 8) * 2,
            source + (token < there ? token : 0) * token_stride + part * 8, token < there);
    }
}

// Rows of WIDTH to blocks of 64 columns, each row's parts of 16 bytes swapped as wgmma wants them; zeros from `there`
// on.
template <int WIDTH, int ROWS, int THREADS_OF_GROUP>
__device__ __forceinline__ void copy_rows(u32 target, const bf16* source, long long stride, int there)
{
    constexpr int parts = WIDTH / 8;
    const int thread = threadIdx.x % THREADS_OF_GROUP;
#pragma unroll 16
    for (int i = thread; i < ROWS * parts; i += THREADS_OF_GROUP)
    {
        const int row = i / parts, part = i % parts;
        copy_async(target + part / 8 * (ROWS * 128) + row * 128 + (part % 8 ^ row % 8) * 16,
            source + (row < there ? row : 0) * stride + part * 8, row < there);
    }
}
