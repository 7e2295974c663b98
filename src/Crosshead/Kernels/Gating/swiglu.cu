// silu(gate)·up, silu(x) = x·σ(x), and its gradients. A thread takes LANES numbers.

inline float sigmoid(float x) { return 1 / (1 + __expf(-x)); }

// Where a thread's numbers stand: in which row, and from which column on.
struct place { long long row; int at; };

// Reads a thread's numbers of gate and up; false for a thread that has none.
inline bool read(const element* __restrict__ gate_up, int width, long long items, place& here, float (&gate)[LANES],
    float (&up)[LANES])
{
    const long long item = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (item >= items) return false;
    const int parts = width / LANES;
    here.row = item / parts;
    here.at = (int)(item - here.row * parts) * LANES;
    load(gate_up + here.row * 2 * width + here.at, gate);
    load(gate_up + here.row * 2 * width + width + here.at, up);
    return true;
}

extern "C" __global__ void swiglu(const element* __restrict__ gate_up, // [rows, 2·width]: gate, up
                                  element* __restrict__ output,        // [rows, width]
                                  int width, long long items)
{
    place here;
    float gate[LANES], up[LANES];
    if (!read(gate_up, width, items, here, gate, up)) return;
#pragma unroll
    for (int j = 0; j < LANES; j++) up[j] *= gate[j] * sigmoid(gate[j]);
    store(output + here.row * width + here.at, up);
}

// silu'(x) = σ(x)·(1 + x·(1 − σ(x)))
extern "C" __global__ void swiglu_backward(const element* __restrict__ gate_up, const element* __restrict__ gradient,
                                           element* __restrict__ result, // [rows, 2·width]
                                           element* __restrict__ output, // [rows, width], or null
                                           int width, long long items)
{
    place here;
    float gate[LANES], up[LANES], g[LANES], out[LANES];
    if (!read(gate_up, width, items, here, gate, up)) return;
    load(gradient + here.row * width + here.at, g);
#pragma unroll
    for (int j = 0; j < LANES; j++)
    {
        const float s = sigmoid(gate[j]), silu = gate[j] * s, slope = g[j] * up[j] * (s + silu * (1 - s));
        out[j] = up[j] * silu;
        gate[j] = slope;
        up[j] = g[j] * silu;
    }
    if (output) store(output + here.row * width + here.at, out);
    store(result + here.row * 2 * width + here.at, gate);
    store(result + here.row * 2 * width + width + here.at, up);
}
