// Adds the parts of all ranks to a float32 sum, in the order of the ranks. A thread takes LANES numbers.

extern "C" __global__ void ordered_sum(const element* __restrict__ parts, // [ranks, count]
                                       float* __restrict__ sum,           // [count]
                                       long long count, int ranks,
                                       int fresh) // 1: the sum begins with the first part
{
    const long long at = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * LANES;
    if (at >= count) return;
    float total[LANES], part[LANES];
    if (fresh) load(parts + at, total);
    else load(sum + at, total);
    for (int rank = fresh; rank < ranks; rank++)
    {
        load(parts + rank * count + at, part);
#pragma unroll
        for (int j = 0; j < LANES; j++) total[j] += part[j];
    }
    store(sum + at, total);
}
