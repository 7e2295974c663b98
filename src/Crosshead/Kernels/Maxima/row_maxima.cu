// The largest number of each row and where it first stands, written to wherever the launch says, be it memory of the
// host. Compiled behind launches.cuh, bfloat16.cuh and clusters.cuh.
//
// The blocks of a cluster share a row out. A number and its place are one key: of larger keys the number is larger, or
// equal and further ahead. −0 is 0, and NaN is larger than all numbers, as in libtorch.
//
// Compile-time: BF16 (1 for bfloat16, 0 for float32), THREADS.

#if BF16
typedef bf16 element;
__device__ __forceinline__ float wide(bf16 x) { return widen(x); }
#else
typedef float element;
__device__ __forceinline__ float wide(float x) { return x; }
#endif

typedef unsigned long long u64;

#define LANES ((int)(16 / sizeof(element)))

__device__ __forceinline__ u64 key_of(float x, u32 place)
{
    const u32 bits = __float_as_uint(x + 0.0f);
    const u32 ordered = x != x ? ~0u : bits >> 31 ? ~bits : bits | 0x80000000u;
    return (u64)ordered << 32 | ~place;
}

__device__ __forceinline__ u64 larger(u64 a, u64 b) { return a > b ? a : b; }

__device__ __forceinline__ u64 read_peer_key(u32 address)
{
    u64 r;
    asm volatile("ld." PEER ".u64 %0, [%1];\n" : "=l"(r) : "r"(address));
    return r;
}

// numbers [rows, width], width below 2^32; ids [rows], largest [rows]. A row a cluster.
extern "C" __global__ void __launch_bounds__(THREADS) row_maxima(const element* __restrict__ numbers, long long width,
    long long* __restrict__ ids, float* __restrict__ largest)
{
    __shared__ u64 of_warps[THREADS / 32], of_block;
    follow();
    let_follow();
    const element* row = numbers + blockIdx.y * width;
    const long long step = (long long)cluster_size() * THREADS,
        first = (long long)cluster_rank() * THREADS + threadIdx.x;
    u64 best = 0;
    if ((u64)row % 16 == 0)
    {
#pragma unroll 4
        for (long long i = first; i < width / LANES; i += step)
        {
            union { uint4 words; element own[LANES]; } line;
            line.words = *(const uint4*)(row + i * LANES);
#pragma unroll
            for (int j = 0; j < LANES; j++) best = larger(best, key_of(wide(line.own[j]), (u32)(i * LANES + j)));
        }
        if (width / LANES * LANES + first < width)
            best = larger(best, key_of(wide(row[width / LANES * LANES + first]), (u32)(width / LANES * LANES + first)));
    }
    else
        for (long long i = first; i < width; i += step) best = larger(best, key_of(wide(row[i]), (u32)i));

    for (int offset = 16; offset > 0; offset /= 2) best = larger(best, __shfl_xor_sync(~0u, best, offset));
    if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = best;
    __syncthreads();
    if (threadIdx.x == 0)
    {
        for (int i = 1; i < THREADS / 32; i++) best = larger(best, of_warps[i]);
        of_block = best;
    }
    cluster_barrier();
    if (threadIdx.x == 0 && cluster_rank() == 0)
    {
        for (int i = 1; i < cluster_size(); i++)
            best = larger(best, read_peer_key(address_of_peer((u32)__cvta_generic_to_shared(&of_block), i)));
        const u32 place = ~(u32)best;
        ids[blockIdx.y] = place;
        largest[blockIdx.y] = wide(row[place]);
    }
    cluster_barrier(); // a block's memory stays until it has been read
}
