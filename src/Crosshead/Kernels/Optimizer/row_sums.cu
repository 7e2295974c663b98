// Adds gradients of a table's rows to a part of a float32 sum of the table's gradients. A block takes a row of the
// table and LANES · blockDim.x of its columns. It adds up a rank's rows first, in their order, then the ranks, in
// theirs. Some tokens have thousands of rows, so several are read before they are added.

#define AHEAD 8

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
    float total[LANES], part[LANES];
    load(sum + (at - start), total);
#pragma unroll
    for (int j = 0; j < LANES; j++) part[j] = 0;
    int rank = (int)order[first] / rows_of_rank;
    bool more = true;
    for (int next = first; more; next += AHEAD)
    {
        int row[AHEAD]; // −1 behind the last
        float x[AHEAD][LANES];
#pragma unroll
        for (int i = 0; i < AHEAD; i++)
        {
            more = more && next + i < count && tokens[next + i] == token;
            row[i] = more ? (int)order[next + i] : -1;
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++)
            if (row[i] >= 0) load(rows + (long long)row[i] * width + column, x[i]);
#pragma unroll
        for (int i = 0; i < AHEAD; i++)
        {
            if (row[i] < 0) break;
            if (row[i] / rows_of_rank != rank)
            {
                rank = row[i] / rows_of_rank;
#pragma unroll
                for (int j = 0; j < LANES; j++)
                {
                    total[j] += part[j];
                    part[j] = 0;
                }
            }
#pragma unroll
            for (int j = 0; j < LANES; j++) part[j] += x[i][j];
        }
    }
#pragma unroll
    for (int j = 0; j < LANES; j++) total[j] += part[j];
    store(sum + (at - start), total);
}
