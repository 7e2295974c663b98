// Sums of squares of blocks in float64, in the order in which the CPU adds them up: sixteen sums of every sixteenth
// number, then these in pairs. Sixteen threads take a block.

#define FULL_WARP 0xffffffffu
#define AHEAD 16 // numbers a thread reads before it needs them

// Of the numbers from start to end, to all sixteen threads.
__device__ __forceinline__ double squares(const element* __restrict__ values, long long start, long long end)
{
    double sum = 0;
    long long i = start + threadIdx.x % 16;
    for (; i + 16 * (AHEAD - 1) < end; i += 16 * AHEAD)
    {
        float x[AHEAD][1];
#pragma unroll
        for (int j = 0; j < AHEAD; j++) load(values + i + 16 * j, x[j]);
#pragma unroll
        for (int j = 0; j < AHEAD; j++) sum = fma((double)x[j][0], (double)x[j][0], sum);
    }
    for (; i < end; i += 16)
    {
        float x[1];
        load(values + i, x);
        sum = fma((double)x[0], (double)x[0], sum);
    }
    sum += __shfl_xor_sync(FULL_WARP, sum, 8);
    sum += __shfl_xor_sync(FULL_WARP, sum, 1);
    sum += __shfl_xor_sync(FULL_WARP, sum, 2);
    return sum + __shfl_xor_sync(FULL_WARP, sum, 4);
}

extern "C" __global__ void block_squares(const element* __restrict__ values,
                                         const long long* __restrict__ starts, // [blocks + 1]
                                         double* __restrict__ sums,            // [blocks]
                                         int blocks)
{
    const int block = (blockIdx.x * blockDim.x + threadIdx.x) / 16;
    const bool is_one = block < blocks;
    const double sum = squares(values, is_one ? starts[block] : 0, is_one ? starts[block + 1] : 0);
    if (threadIdx.x % 16 == 0 && is_one) sums[block] = sum;
}

// The same of blocks of several tensors. A block has `length` numbers, the last one of a tensor what is left.
extern "C" __global__ void tensor_squares(const long long* __restrict__ addresses, // [tensors]
                                          const long long* __restrict__ counts,    // [tensors]
                                          const long long* __restrict__ firsts,    // [tensors]: each one's first block
                                          double* __restrict__ sums,               // [blocks]
                                          int tensors, int blocks, int length)
{
    const int block = (blockIdx.x * blockDim.x + threadIdx.x) / 16;
    int at = 0;
    for (int step = 1 << 30; step > 0; step >>= 1)
        if (at + step < tensors && firsts[at + step] <= block) at += step;
    const long long start = (block - firsts[at]) * length, rest = counts[at] - start;
    const bool is_one = block < blocks;
    const double sum = squares((const element*)addresses[at], is_one ? start : 0,
                               is_one ? start + (rest < length ? rest : length) : 0);
    if (threadIdx.x % 16 == 0 && is_one) sums[block] = sum;
}

// The numbers added up one after the other, by one warp, which reads 32 · AHEAD of them at a time.
extern "C" __global__ void sum_in_order(const double* __restrict__ values, double* __restrict__ total, int count)
{
    double sum = 0;
    for (int first = 0; first < count; first += 32 * AHEAD)
    {
        double x[AHEAD];
#pragma unroll
        for (int j = 0; j < AHEAD; j++)
        {
            const int at = first + 32 * j + threadIdx.x;
            x[j] = at < count ? values[at] : 0;
        }
#pragma unroll
        for (int j = 0; j < AHEAD; j++)
#pragma unroll
            for (int lane = 0; lane < 32; lane++) sum += __shfl_sync(FULL_WARP, x[j], lane);
    }
    if (threadIdx.x == 0) *total = sum;
}
