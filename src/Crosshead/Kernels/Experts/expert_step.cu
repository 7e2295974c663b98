// The experts of a very few tokens, straight from the router's logits: each warp finds out for itself whom a token is
// given to, which takes less time than a kernel. Weights are read once and much of them at once, straight into the
// registers of the tensor cores' product (mma.m16n8k16, bfloat16 in, float32 out), as in skinny_matmul.cu.
//
// Compile-time: LANE_EXPERTS, DEPTH (steps of 32 inputs read at once), STEPS (of expert_down: those of an expert's
// inputs). For compute capability 8.0 and later; compiled behind bfloat16.cuh, tensor_cores.cuh, launches.cuh and
// expert_choice.cuh.

#define WARPS 8
#define STEP 32
#define TILE 16
#define MOST_CHOSEN 64        // experts of a token

// Weights are read once: they leave what others read again where it is.
__device__ __forceinline__ uint4 stream(const bf16* p)
{
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];\n" : "=r"(v.x), "=r"(v.y),
        "=r"(v.z), "=r"(v.w) : "l"(p));
    return v;
}

// products += 16 rows × 32 inputs by one token's 32 inputs, which a lane of the first column has 8 of.
__device__ __forceinline__ void multiply_step(float (&products)[4], uint4 upper, uint4 lower, uint4 token)
{
    multiply_add(products, { upper.x, lower.x, upper.y, lower.y }, token.x, token.y);
    multiply_add(products, { upper.z, lower.z, upper.w, lower.w }, token.z, token.w);
}

// inner[t·k + j] = silu(gate)·up of token t's j-th expert, 16 outputs a block. x [tokens, inputs], w [experts,
// 2·outputs, inputs]: gate, then up; logits [tokens, experts].
extern "C" __global__ void __launch_bounds__(32 * WARPS) expert_gate_up(const bf16* __restrict__ x,
    const bf16* __restrict__ w, const float* __restrict__ logits, bf16* __restrict__ inner, int outputs, int inputs,
    RULE_PARAMETERS)
{
    __shared__ float sums[WARPS][2 * TILE];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = lane / 4, quad = lane % 4;
    const int token = blockIdx.y / k, place = blockIdx.y % k, first = blockIdx.x * TILE;
    follow();
    let_follow();
    int expert = 0;
    choose<false>(logits + (long long)token * experts, RULE, place + 1, [&](int, int at) { expert = at; });

    const bf16* rows[2][2];
#pragma unroll
    for (int part = 0; part < 2; part++)
#pragma unroll
        for (int half = 0; half < 2; half++)
            rows[part][half] = w + ((2LL * expert + part) * outputs + min(first + 8 * half + row, outputs - 1)) * inputs
                + 8 * quad;
    x += (long long)token * inputs + 8 * quad;

    const int steps = (inputs + STEP - 1) / STEP, own = (steps + WARPS - 1) / WARPS;
    const int from = warp * own, to = min(from + own, steps);
    const uint4 none = make_uint4(0, 0, 0, 0);
    float products[2][4] = {};
    for (int start = from; start < to; start += DEPTH)
    {
        uint4 weights[DEPTH][2][2], columns[DEPTH];
#pragma unroll
        for (int d = 0; d < DEPTH; d++)
        {
            const int at = (start + d) * STEP;
            const bool there = start + d < to && at + 8 * quad < inputs;
#pragma unroll
            for (int part = 0; part < 2; part++)
#pragma unroll
                for (int half = 0; half < 2; half++)
                    weights[d][part][half] = there ? stream(rows[part][half] + at) : none;
            columns[d] = there && row == 0 ? *(const uint4*)(x + at) : none;
        }
#pragma unroll
        for (int d = 0; d < DEPTH; d++)
#pragma unroll
            for (int part = 0; part < 2; part++)
                multiply_step(products[part], weights[d][part][0], weights[d][part][1], columns[d]);
    }
    if (quad == 0)
#pragma unroll
        for (int part = 0; part < 2; part++)
#pragma unroll
            for (int half = 0; half < 2; half++) sums[warp][TILE * part + 8 * half + row] = products[part][2 * half];
    __syncthreads();
    if (threadIdx.x >= TILE || first + threadIdx.x >= outputs) return;
    float gate = 0, up = 0;
#pragma unroll
    for (int part = 0; part < WARPS; part++)
    {
        gate += sums[part][threadIdx.x];
        up += sums[part][TILE + threadIdx.x];
    }
    inner[(long long)blockIdx.y * outputs + first + threadIdx.x] = narrow(gate / (1 + __expf(-gate)) * up);
}

// y[t] = Σ_j weight_j · down_j inner[t·k + j], 16 outputs a block. inner [tokens·k, inputs], w [experts, outputs,
// inputs]. The logits are read before the kernel ahead is done: that one must have waited for them before it let this
// one begin.
extern "C" __global__ void __launch_bounds__(32 * WARPS) expert_down(const bf16* __restrict__ inner,
    const bf16* __restrict__ w, const float* __restrict__ logits, bf16* __restrict__ y, int outputs, int inputs,
    RULE_PARAMETERS)
{
    __shared__ float sums[WARPS][TILE], scores[WARPS][MOST_CHOSEN];
    __shared__ int chosen[WARPS][MOST_CHOSEN];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = lane / 4, quad = lane % 4;
    const int token = blockIdx.y, first = blockIdx.x * TILE;
    logits += (long long)token * experts;
    const Scale scale = choose<true>(logits, RULE, k, [&](int j, int expert) {
        if (lane == 0) chosen[warp][j] = expert;
    });
    __syncwarp();

    // The inputs of all experts in a row, a part of them a warp.
    const int all = STEPS * k, own = (all + WARPS - 1) / WARPS;
    const int from = warp * own, to = min(from + own, all);
    const uint4 none = make_uint4(0, 0, 0, 0);
    const long long upper = (long long)min(first + row, outputs - 1) * inputs,
        lower = (long long)min(first + row + 8, outputs - 1) * inputs;
    uint4 weights[DEPTH][2];
    auto fetch = [&](int start) {
#pragma unroll
        for (int d = 0; d < DEPTH; d++)
        {
            const int step = min(start + d, all - 1), at = step % STEPS * STEP + 8 * quad;
            const bool there = start + d < to && at < inputs;
            const bf16* matrix = w + (long long)chosen[warp][step / STEPS] * outputs * inputs + at;
            weights[d][0] = there ? stream(matrix + upper) : none;
            weights[d][1] = there ? stream(matrix + lower) : none;
        }
    };
    fetch(from); // the weight is there before the tokens are
    float sum = 0;
    for (int j = lane; j < k; j += 32)
    {
        scores[warp][j] = score_of_expert(logits, bias, chosen[warp][j], sigmoid, scale);
        sum += scores[warp][j];
    }
    const float whole = whole_of(sum_of_warp(sum), renormalize);
    __syncwarp();
    follow();
    let_follow();

    inner += (long long)token * k * inputs;
    float totals[2] = {};
    for (int start = from; start < to; start += DEPTH)
    {
        if (start > from) fetch(start);
        uint4 columns[DEPTH];
#pragma unroll
        for (int d = 0; d < DEPTH; d++)
        {
            const int step = min(start + d, all - 1), at = step % STEPS * STEP + 8 * quad;
            const bool there = start + d < to && at < inputs && row == 0;
            columns[d] = there ? *(const uint4*)(inner + (long long)(step / STEPS) * inputs + at) : none;
        }
#pragma unroll
        for (int d = 0; d < DEPTH; d++)
        {
            float products[4] = {};
            multiply_step(products, weights[d][0], weights[d][1], columns[d]);
            const float score = scores[warp][min(start + d, all - 1) / STEPS];
            totals[0] += score * products[0];
            totals[1] += score * products[2];
        }
    }
    if (quad == 0)
    {
        sums[warp][row] = totals[0];
        sums[warp][8 + row] = totals[1];
    }
    __syncthreads();
    if (threadIdx.x >= TILE || first + threadIdx.x >= outputs) return;
    float total = 0;
#pragma unroll
    for (int part = 0; part < WARPS; part++) total += sums[part][threadIdx.x];
    y[(long long)token * outputs + first + threadIdx.x] = narrow(total / whole * factor);
}
