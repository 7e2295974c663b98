// Each row's loss, −log softmax(logits)[target], and, where asked for, its gradient (softmax − one-hot)·scale over the
// logits. A block takes a row: once through it for the largest logit and the sum, once more for the gradient. A target
// outside the vocabulary makes its loss not a number.

#define THREADS 512

struct Sum { float largest, total; };                        // Σ e^(x − largest)

inline Sum join(Sum a, Sum b)
{
    const float largest = fmaxf(a.largest, b.largest);
    if (largest == -INFINITE) return { largest, 0 };
    return { largest, a.total * __expf(a.largest - largest) + b.total * __expf(b.largest - largest) };
}

extern "C" __global__ void __launch_bounds__(THREADS)
cross_entropy(element* __restrict__ logits,                  // [rows, vocabulary]
              const long long* __restrict__ targets, float* __restrict__ losses, // [rows]
              int vocabulary, long long ignored, const float* __restrict__ scale, int with_gradients)
{
    element* row = logits + (long long)blockIdx.x * vocabulary;
    const long long target = targets[blockIdx.x];
    if (target == ignored)
    {
        if (threadIdx.x == 0) losses[blockIdx.x] = 0;
        float none[LANES];
#pragma unroll
        for (int j = 0; j < LANES; j++) none[j] = 0;
        if (with_gradients)
            for (int at = threadIdx.x * LANES; at < vocabulary; at += THREADS * LANES) store(row + at, none);
        return;
    }

    Sum sum = { -INFINITE, 0 };
    for (int at = threadIdx.x * LANES; at < vocabulary; at += THREADS * LANES)
    {
        float x[LANES], most = sum.largest;
        load(row + at, x);
#pragma unroll
        for (int j = 0; j < LANES; j++) most = fmaxf(most, x[j]);
        if (most == -INFINITE) continue;
        sum.total *= __expf(sum.largest - most);
#pragma unroll
        for (int j = 0; j < LANES; j++) sum.total += __expf(x[j] - most);
        sum.largest = most;
    }
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2)
        sum = join(sum, { __shfl_xor_sync(~0u, sum.largest, offset), __shfl_xor_sync(~0u, sum.total, offset) });
    __shared__ Sum parts[THREADS / 32];
    __shared__ float chosen;
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = sum;
    if (threadIdx.x == 0)
    {
        float x[1] = { NOT_A_NUMBER };
        if (target >= 0 && target < vocabulary) load(row + target, x);
        chosen = x[0];
    }
    __syncthreads();
    sum = parts[0];
#pragma unroll
    for (int i = 1; i < THREADS / 32; i++) sum = join(sum, parts[i]);
    if (threadIdx.x == 0) losses[blockIdx.x] = logf(sum.total) + sum.largest - chosen;
    if (!with_gradients) return;

    const float factor = *scale / sum.total;
    for (int at = threadIdx.x * LANES; at < vocabulary; at += THREADS * LANES)
    {
        float x[LANES];
        load(row + at, x);
#pragma unroll
        for (int j = 0; j < LANES; j++) x[j] = __expf(x[j] - sum.largest) * factor - (at + j == target ? *scale : 0);
        store(row + at, x);
    }
}
