// From a router's logits to the experts that tokens are given: for the few tokens of a step, so that nothing of it has to be known
// to the host.
//
// Compile-time: LANE_EXPERTS (a lane's share of the experts in a warp, 1 to 32).

#define MOST 1024
#define INFINITE __int_as_float(0x7f800000)

// One block, a thread an expert or more. logits [tokens, experts]; weights [tokens, k]; chosen [slots], starts [slots + 1], places [tokens·k]: slot s serves
// expert chosen[s], whose places are places[starts[s]] … places[starts[s + 1] − 1], and place t·k + j is token t's j-th expert.
extern "C" __global__ void __launch_bounds__(1024) expert_routes(const float* __restrict__ logits, float* __restrict__ weights, int* __restrict__ chosen,
    int* __restrict__ starts, int* __restrict__ places, int tokens, int experts, int k, int slots, int renormalize)
{
    __shared__ int expertOf[MOST];
    __shared__ int counts[MOST];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;

    // A warp a token: the largest, k times.
    for (int token = warp; token < tokens; token += blockDim.x / 32)
    {
        const float* row = logits + (long long)token * experts;
        float own[LANE_EXPERTS];
        float largest = -INFINITE;
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++)
        {
            own[i] = 32 * i + lane < experts ? row[32 * i + lane] : -INFINITE;
            largest = fmaxf(largest, own[i]);
        }
        for (int step = 16; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(0xffffffffu, largest, step));
        float total = 0;
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++) total += __expf(own[i] - largest); // e^−∞ = 0
        for (int step = 16; step > 0; step /= 2) total += __shfl_xor_sync(0xffffffffu, total, step);

        float sum = 0;
        unsigned taken = 0; // one bit a number of this lane
        for (int j = 0; j < k; j++)
        {
            float best = -INFINITE;
            int at = MOST;
#pragma unroll
            for (int i = 0; i < LANE_EXPERTS; i++)
                if (32 * i + lane < experts && !(taken >> i & 1) && (own[i] > best || at == MOST))
                {
                    best = own[i];
                    at = 32 * i + lane;
                }
            for (int step = 16; step > 0; step /= 2)
            {
                const float other = __shfl_xor_sync(0xffffffffu, best, step);
                const int place = __shfl_xor_sync(0xffffffffu, at, step);
                if (place < MOST && (at == MOST || other > best || (other == best && place < at)))
                {
                    best = other;
                    at = place;
                }
            }
            if (at % 32 == lane) taken |= 1u << (at / 32);
            const float probability = __expf(best - largest) / total;
            sum += probability;
            if (lane == 0)
            {
                expertOf[token * k + j] = at;
                weights[token * k + j] = probability;
            }
        }
        __syncwarp();
        if (renormalize)
            for (int j = lane; j < k; j += 32) weights[token * k + j] /= sum;
    }
    __syncthreads();

    // A thread an expert: in the order of experts, and within one in the order of places.
    const int expert = threadIdx.x, all = tokens * k;
    int count = 0;
    if (expert < experts)
    {
#pragma unroll 8
        for (int i = 0; i < all; i++) count += expertOf[i] == expert;
        counts[expert] = count;
    }
    __syncthreads();
    if (expert >= experts) return;
    int slot = 0, start = 0;
#pragma unroll 8
    for (int other = 0; other < expert; other++)
    {
        slot += counts[other] > 0;
        start += counts[other];
    }
    if (count > 0)
    {
        chosen[slot] = expert;
        starts[slot] = start;
#pragma unroll 8
        for (int i = 0; i < all; i++)
            if (expertOf[i] == expert) places[start++] = i;
    }
    if (expert == experts - 1)
    {
        slot += count > 0;
        starts[slot] = all;
        for (; slot < slots; slot++) chosen[slot] = -1;
    }
}
