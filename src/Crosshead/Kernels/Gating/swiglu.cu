// silu(gate)·up, silu(x) = x·σ(x), and its gradients. A thread takes LANES numbers.

inline float sigmoid(float x) { return 1 / (1 + __expf(-x)); }

extern "C" __global__ void swiglu(const element* __restrict__ gate_up, // [rows, 2·width]: gate, up
                                  element* __restrict__ output,        // [rows, width]
                                  int width, long long items)
{
    const long long item = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (item >= items) return;
    const int parts = width / LANES;
    const long long row = item / parts;
    const int at = (int)(item - row * parts) * LANES;
    float gate[LANES], up[LANES];
    load(gate_up + row * 2 * width + at, gate);
    load(gate_up + row * 2 * width + width + at, up);
#pragma unroll
    for (int j = 0; j < LANES; j++) up[j] *= gate[j] * sigmoid(gate[j]);
    store(output + row * width + at, up);
}

// silu'(x) = σ(x)·(1 + x·(1 − σ(x)))
extern "C" __global__ void swiglu_backward(const element* __restrict__ gate_up, const element* __restrict__ gradient,
                                           element* __restrict__ result, // [rows, 2·width]
                                           int width, long long items)
{
    const long long item = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (item >= items) return;
    const int parts = width / LANES;
    const long long row = item / parts;
    const int at = (int)(item - row * parts) * LANES;
    float gate[LANES], up[LANES], g[LANES];
    load(gate_up + row * 2 * width + at, gate);
    load(gate_up + row * 2 * width + width + at, up);
    load(gradient + row * width + at, g);
#pragma unroll
    for (int j = 0; j < LANES; j++)
    {
        const float s = sigmoid(gate[j]), silu = gate[j] * s;
        gate[j] = g[j] * up[j] * (s + silu * (1 - s));
        up[j] = g[j] * silu;
    }
    store(result + row * 2 * width + at, gate);
    store(result + row * 2 * width + width + at, up);
}
