// Back from the experts' outputs to the tokens. Compiled behind bfloat16.cuh and launches.cuh.
//
// sum[t] = Σ_j weights[t, j] · outputs[t·k + j]
extern "C" __global__ void expert_sum(const bf16* __restrict__ outputs, const float* __restrict__ weights,
    bf16* __restrict__ sum, int k, int width)
{
    const int column = blockIdx.x * blockDim.x + threadIdx.x, token = blockIdx.y;
    follow();
    let_follow();
    if (column >= width) return;
    float total = 0;
    for (int j = 0; j < k; j++)
        total += weights[token * k + j] * widen(outputs[(long long)(token * k + j) * width + column]);
    sum[(long long)token * width + column] = narrow(total);
}
