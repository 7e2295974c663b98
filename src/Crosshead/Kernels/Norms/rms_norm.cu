// y = x / rms(x) · w over rows, rms(x) = √(mean(x²) + ε), optionally of a sum that is written too; and its gradients.
//
// A group of threads takes a row and keeps it in registers, so that each number is read once.
//
// Compile-time, behind launches.cuh and besides those of elements.cuh: WIDTH (of a row), GROUP (threads a row, a power
// of two up to THREADS), BF16_WEIGHT (1 for a weight in bfloat16, 0 for float32).

#define THREADS 256
#define FEW_BLOCKS 16 // of a decoding step, which waits for the weight
#define ROWS (THREADS / GROUP)
#define ITEMS ((WIDTH + GROUP * LANES - 1) / (GROUP * LANES))

#if BF16_WEIGHT
typedef bf16 weight_element;
#else
typedef float weight_element;
#endif

// The sum over the threads of a row, in each of them.
inline float row_sum(float x)
{
#pragma unroll
    for (int offset = (GROUP < 32 ? GROUP : 32) / 2; offset > 0; offset /= 2) x += __shfl_xor_sync(~0u, x, offset);
#if GROUP > 32
    __shared__ float parts[THREADS / 32];
    __syncthreads();                                         // everybody has read the last sum's parts
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
    __syncthreads();
    x = 0;
#pragma unroll
    for (int i = 0; i < GROUP / 32; i++) x += parts[threadIdx.x / GROUP * (GROUP / 32) + i];
#endif
    return x;
}

extern "C" __global__ void __launch_bounds__(THREADS)
// [rows, WIDTH]; residual null for none
rms_norm(const element* __restrict__ input, const element* __restrict__ residual,
         // [weight_rows, WIDTH]: row r uses r mod weight_rows
         const weight_element* __restrict__ weight, int weight_rows,
         // sum with a residual only
         element* __restrict__ sum, element* __restrict__ normed, float* __restrict__ inverse,
         long long rows, float epsilon,
         // the input's rows lie so many side by side, such stretches `step` elements apart; 0: all side by side
         int together, long long step)
{
    if (gridDim.x <= FEW_BLOCKS) warm(weight, weight_rows * WIDTH * (int)sizeof(weight_element));
    let_follow();
    follow();
    const long long row = (long long)blockIdx.x * ROWS + threadIdx.x / GROUP;
    const int lane = threadIdx.x % GROUP;
    const element* source = input + (together ? row / together * step + row % together * WIDTH : row * WIDTH);
    float x[ITEMS][LANES], squares = 0;
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
    {
        const int at = (i * GROUP + lane) * LANES;
        if (row >= rows || at >= WIDTH) continue;
        load(source + at, x[i]);
        if (residual)
        {
            float other[LANES];
            load(residual + row * WIDTH + at, other);
#pragma unroll
            for (int j = 0; j < LANES; j++) x[i][j] = rounded(x[i][j] + other[j]);
            store(sum + row * WIDTH + at, x[i]);
        }
#pragma unroll
        for (int j = 0; j < LANES; j++) squares += x[i][j] * x[i][j];
    }
    const float factor = rsqrtf(row_sum(squares) / WIDTH + epsilon);
    if (row >= rows) return;
    if (lane == 0) inverse[row] = factor;
    const weight_element* own = weight + row % weight_rows * WIDTH;
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
    {
        const int at = (i * GROUP + lane) * LANES;
        if (at >= WIDTH) continue;
        float w[LANES];
        load(own + at, w);
#pragma unroll
        for (int j = 0; j < LANES; j++) x[i][j] *= factor * w[j];
        store(normed + row * WIDTH + at, x[i]);
    }
}

// With x̂ = x/rms(x) and g = ∂y·w: ∂x = (g − x̂·mean(g·x̂)) / rms(x) + direct, and ∂w = Σ ∂y·x̂, here a part for each
// group of threads. The number of groups is a multiple of weight_rows, so that a group meets one row of the weight
// only.
extern "C" __global__ void __launch_bounds__(THREADS)
rms_norm_backward(const element* __restrict__ input, const weight_element* __restrict__ weight, int weight_rows,
                  const float* __restrict__ inverse, const element* __restrict__ direct, // null for none
                  const element* __restrict__ gradient, element* __restrict__ result,
                  float* __restrict__ weight_parts,          // [groups, WIDTH]
                  long long rows)
{
    const long long groups = (long long)gridDim.x * ROWS, group = (long long)blockIdx.x * ROWS + threadIdx.x / GROUP;
    const int lane = threadIdx.x % GROUP;
    float w[ITEMS][LANES], part[ITEMS][LANES];
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
    {
        const int at = (i * GROUP + lane) * LANES;
        if (at < WIDTH) load(weight + group % weight_rows * WIDTH + at, w[i]);
#pragma unroll
        for (int j = 0; j < LANES; j++) part[i][j] = 0;
    }
    for (long long start = 0; start < rows; start += groups) // the same number of rounds for all threads of a block
    {
        const long long row = start + group;
        const float factor = row < rows ? inverse[row] : 0;
        float x[ITEMS][LANES], g[ITEMS][LANES], dot = 0;
#pragma unroll
        for (int i = 0; i < ITEMS; i++)
        {
            const int at = (i * GROUP + lane) * LANES;
            if (row >= rows || at >= WIDTH) continue;
            load(input + row * WIDTH + at, x[i]);
            load(gradient + row * WIDTH + at, g[i]);
#pragma unroll
            for (int j = 0; j < LANES; j++)
            {
                x[i][j] *= factor;
                part[i][j] += g[i][j] * x[i][j];
                g[i][j] *= w[i][j];
                dot += g[i][j] * x[i][j];
            }
        }
        const float mean = row_sum(dot) / WIDTH;
#pragma unroll
        for (int i = 0; i < ITEMS; i++)
        {
            const int at = (i * GROUP + lane) * LANES;
            if (row >= rows || at >= WIDTH) continue;
            float other[LANES];
#pragma unroll
            for (int j = 0; j < LANES; j++) other[j] = 0;
            if (direct) load(direct + row * WIDTH + at, other);
#pragma unroll
            for (int j = 0; j < LANES; j++) x[i][j] = factor * (g[i][j] - x[i][j] * mean) + other[j];
            store(result + row * WIDTH + at, x[i]);
        }
    }
#pragma unroll
    for (int i = 0; i < ITEMS; i++)
    {
        const int at = (i * GROUP + lane) * LANES;
        if (at < WIDTH) store(weight_parts + group * WIDTH + at, part[i]);
    }
}
