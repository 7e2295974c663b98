// Adds gradients of a table's rows to a part of a float32 sum of the table's gradients. A block takes a row of the
// table and LANES · blockDim.x of its columns. It adds up a rank's rows first, in their order, then the ranks, in
// theirs.

extern "C" __global__ void row_sums(const element* __restrict__ rows,     // [count, width]: of rank 0, of rank 1, …
                                    const long long* __restrict__ tokens, // [count], rising: which row of the table
                                    const long long* __restrict__ order,  // [count]: the row of a token
                                    float* __restrict__ sum,              // elements start … end − 1 of the table
                                    long long start, long long end, int width, int count,
                                    int rows_of_rank)
{
    const int first = blockIdx.x, column = ((int)blockIdx.y * blockDim.x + threadIdx.x) * LANES;
    const long long token = tokens[first], at = token * width + column;
    if ((first > 0 && tokens[first - 1] == token) || column >= width || at < start || at >= end) return;
    float total[LANES], part[LANES], x[LANES];
    load(sum + (at - start), total);
#pragma unroll
    for (int j = 0; j < LANES; j++) part[j] = 0;
    long long rank = order[first] / rows_of_rank;
    for (int i = first; i < count && tokens[i] == token; i++)
    {
        const long long row = order[i];
        if (row / rows_of_rank != rank)
        {
            rank = row / rows_of_rank;
#pragma unroll
            for (int j = 0; j < LANES; j++)
            {
                total[j] += part[j];
                part[j] = 0;
            }
        }
        load(rows + row * width + column, x);
#pragma unroll
        for (int j = 0; j < LANES; j++) part[j] += x[j];
    }
#pragma unroll
    for (int j = 0; j < LANES; j++) total[j] += part[j];
    store(sum + (at - start), total);
}
