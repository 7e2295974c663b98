// Joins what several clusters found: Σ 2^(max_s − max) O_s / Σ 2^(max_s − max) total_s. A block takes some columns of a query: a quarter
// as many threads side by side sum four columns each, the others of the block the same columns of other clusters.
#define MOST_PARTS 1024
#define JOIN_THREADS 128

extern "C" __global__ void __launch_bounds__(JOIN_THREADS)
join_clusters(const float* __restrict__ sums, const float* __restrict__ largest, const float* __restrict__ totals,
              bf16* __restrict__ output, // [B, rows, queries, WV]
              int clusters, int queries, int columns)
{
    follow();
    const int side = columns / 4;
    const int m = blockIdx.x, groups = JOIN_THREADS / side;
    const long long place = (long long)blockIdx.y * clusters;   // y: sequence and row
    __shared__ float share[MOST_PARTS];
    __shared__ float4 parts[JOIN_THREADS];
    __shared__ float joined;
    if (threadIdx.x < 32)
    {
        float high = NEVER;
        for (int s = threadIdx.x; s < clusters; s += 32) high = fmaxf(high, largest[(place + s) * QUERIES + m]);
        for (int offset = 16; offset > 0; offset /= 2) high = fmaxf(high, __shfl_xor_sync(~0u, high, offset));
        float sum = 0;
        for (int s = threadIdx.x; s < clusters; s += 32)
        {
            const float total = totals[(place + s) * QUERIES + m];
            share[s] = total == 0 ? 0 : exp2_fast(largest[(place + s) * QUERIES + m] - high);
            sum += share[s] * total;
        }
        for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
        if (threadIdx.x == 0) joined = sum;
    }
    __syncthreads();
    const int column = blockIdx.z * columns + threadIdx.x % side * 4, group = threadIdx.x / side;
    float4 sum = make_float4(0, 0, 0, 0);
    if (column < WV)
#pragma unroll 4
        for (int s = group; s < clusters; s += groups)
        {
            if (share[s] == 0) continue;                     // what was never written must not be read
            const float4 part = *(const float4*)(sums + ((place + s) * QUERIES + m) * WV + column);
            sum.x += share[s] * part.x; sum.y += share[s] * part.y; sum.z += share[s] * part.z; sum.w += share[s] * part.w;
        }
    parts[threadIdx.x] = sum;
    __syncthreads();
    if (group > 0 || column >= WV) return;
    for (int g = 1; g < groups; g++)
    {
        const float4 part = parts[g * side + threadIdx.x];
        sum.x += part.x; sum.y += part.y; sum.z += part.z; sum.w += part.w;
    }
    const float factor = joined == 0 ? 0 : 1 / joined;      // nothing seen: zeros
    *(uint2*)(output + ((long long)blockIdx.y * queries + m) * WV + column) = make_uint2(pack(sum.x * factor, sum.y * factor), pack(sum.z * factor, sum.w * factor));
}
