// Joins what several clusters found: Σ 2^(max_s − max) O_s / Σ 2^(max_s − max) total_s. A block takes some columns of a
// query: a quarter as many threads side by side take four columns each of some clusters, the others of the block the
// same columns of other clusters. All that a thread reads it asks for at once.
#define JOIN_THREADS 128
#define AT_ONCE 9                                       // 132 blocks of a sequence, 16 groups

struct Sum
{
    float most, total;
    float4 values;
};

// Both, against the larger of their largest scores.
__device__ __forceinline__ Sum together(Sum a, Sum b)
{
    const float most = fmaxf(a.most, b.most), x = exp2_fast(a.most - most), y = exp2_fast(b.most - most);
    return { most, x * a.total + y * b.total,
             make_float4(x * a.values.x + y * b.values.x, x * a.values.y + y * b.values.y,
                 x * a.values.z + y * b.values.z, x * a.values.w + y * b.values.w) };
}

extern "C" __global__ void __launch_bounds__(JOIN_THREADS)
join_clusters(const float* __restrict__ sums, const float* __restrict__ largest, const float* __restrict__ totals,
              bf16* __restrict__ output, // [B, rows, queries, WV]
              int clusters, int queries, int columns, int rows, const bf16* __restrict__ sinks) // [rows, queries]
{
    follow();
    const int side = columns / 4, groups = JOIN_THREADS / side;
    const int m = blockIdx.x, column = blockIdx.z * columns + threadIdx.x % side * 4, group = threadIdx.x / side;
    const long long first = (long long)blockIdx.y * clusters * QUERIES + m; // y: sequence and row
    __shared__ Sum parts[JOIN_THREADS];
    const Sum none = { NEVER, 0, make_float4(0, 0, 0, 0) };
    Sum sum = none;
    if (column < WV)
        for (int s = group; s < clusters; s += AT_ONCE * groups)
        {
            Sum found[AT_ONCE];
#pragma unroll
            for (int i = 0; i < AT_ONCE; i++)
            {
                const long long place = first + (long long)(s + i * groups) * QUERIES;
                found[i] = s + i * groups < clusters
                    ? Sum{ largest[place], totals[place], *(const float4*)(sums + place * WV + column) } : none;
            }
#pragma unroll
            for (int i = 0; i < AT_ONCE; i++)
                if (found[i].total > 0) sum = together(sum, found[i]); // of nothing there are no sums
        }
    parts[threadIdx.x] = sum;
    __syncthreads();
    if (group > 0 || column >= WV) return;
    for (int g = 1; g < groups; g++) sum = together(sum, parts[g * side + threadIdx.x]);
    const float factor = factor_of_sums(sum.most, sum.total, sinks, blockIdx.y % rows * queries + m);
    *(uint2*)(output + ((long long)blockIdx.y * queries + m) * WV + column) = make_uint2(
    pack(sum.values.x * factor, sum.values.y * factor), pack(sum.values.z * factor, sum.values.w * factor));
}
