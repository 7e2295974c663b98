// Adds the parts of all ranks to a float32 sum, in the order of the ranks. A thread takes LANES numbers.

extern "C" __global__ void ordered_sum(const element* __restrict__ parts, // [ranks, or one fewer; count]
                                       long long stride,                  // from one of the parts to the next
                                       const element* __restrict__ own,   // [count]: one more part
                                       int own_rank,                      // where it belongs; −1: there is none
                                       float* __restrict__ sum,           // [count]
                                       long long count, int ranks,
                                       int fresh) // 1: the sum begins with the first part
{
    const long long at = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * LANES;
    if (at >= count) return;
    float total[LANES], part[LANES];
    if (!fresh) load(sum + at, total);
    for (int rank = 0; rank < ranks; rank++)
    {
        const int slot = own_rank >= 0 && rank > own_rank ? rank - 1 : rank;
        load(rank == own_rank ? own + at : parts + slot * stride + at, part);
#pragma unroll
        for (int j = 0; j < LANES; j++) total[j] = fresh && rank == 0 ? part[j] : total[j] + part[j];
    }
    store(sum + at, total);
}
