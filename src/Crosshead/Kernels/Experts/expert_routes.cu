// From a router's logits to the experts that tokens are given: for the few tokens of a step, so that nothing of it has
// to be known to the host.
//
// Compile-time: LANE_EXPERTS (a lane's share of the experts in a warp, 1 to 32). For compute capability 8.0 and later.

#define MOST 1024
#define INFINITE __int_as_float(0x7f800000)
#define ALL 0xffffffffu

// Numbers in the order of floats, and back.
__device__ __forceinline__ unsigned ordered(float x)
{
    const unsigned bits = __float_as_uint(x + 0.0f);         // −0 is 0
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float unordered(unsigned key) {
    return __uint_as_float(key >> 31 ? key ^ 0x80000000u : ~key);
}

// The sum over the threads up to this one; parts [32].
__device__ __forceinline__ int sum_up_to(int x, int* parts)
{
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    for (int offset = 1; offset < 32; offset *= 2)
    {
        const int before = __shfl_up_sync(ALL, x, offset);
        if (lane >= offset) x += before;
    }
    if (lane == 31) parts[warp] = x;
    __syncthreads();
    for (int i = 0; i < warp; i++) x += parts[i];
    return x;
}

// One block, a thread an expert and a place or more. logits [tokens, experts]; weights [tokens, k]; chosen [slots],
// starts [slots + 1], places [tokens·k]: slot s serves expert chosen[s], whose places are places[starts[s]] …
// places[starts[s + 1] − 1], and place t·k + j is token t's j-th expert.
extern "C" __global__ void __launch_bounds__(1024) expert_routes(const float* __restrict__ logits,
    float* __restrict__ weights, int* __restrict__ chosen,
    int* __restrict__ starts, int* __restrict__ places, int tokens, int experts, int k, int slots, int renormalize)
{
    __shared__ int expert_of[MOST];
    __shared__ float probability_of[MOST];
    __shared__ int counts[MOST]; // of an expert's places; then where they begin
    __shared__ int parts[32];
    const int thread = threadIdx.x, warp = thread / 32, lane = thread % 32, all = tokens * k;
    if (thread < experts) counts[thread] = 0;

    // A warp a token: the largest, k times, the lowest of equals.
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
        largest = unordered(__reduce_max_sync(ALL, ordered(largest)));
        float total = 0;
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++) total += __expf(own[i] - largest); // e^−∞ = 0
        for (int step = 16; step > 0; step /= 2) total += __shfl_xor_sync(ALL, total, step);

        float sum = 0;
        unsigned taken = 0; // one bit a number of this lane
        for (int j = 0; j < k; j++)
        {
            unsigned best = 0;
            int at = MOST;
#pragma unroll
            for (int i = 0; i < LANE_EXPERTS; i++)
                if (32 * i + lane < experts && !(taken >> i & 1) && (at == MOST || ordered(own[i]) > best))
                {
                    best = ordered(own[i]);
                    at = 32 * i + lane;
                }
            const unsigned key = __reduce_max_sync(ALL, best);
            at = __reduce_min_sync(ALL, best == key ? at : MOST);
            if (at % 32 == lane) taken |= 1u << (at / 32);
            const float probability = __expf(unordered(key) - largest) / total;
            sum += probability;
            if (lane == 0)
            {
                expert_of[token * k + j] = at;
                probability_of[token * k + j] = probability;
            }
        }
        __syncwarp();
        for (int j = lane; j < k; j += 32)
            weights[token * k + j] = probability_of[token * k + j] / (renormalize ? sum : 1);
    }
    __syncthreads();

    // A thread a place: how many before it are its expert's.
    const int expert = thread < all ? expert_of[thread] : 0;
    int earlier = 0;
    if (thread < all)
    {
        atomicAdd(counts + expert, 1);
#pragma unroll 8
        for (int i = 0; i < thread; i++) earlier += expert_of[i] == expert;
    }
    __syncthreads();

    // A thread an expert: slots and places that go to those before it, both in one number.
    const int count = thread < experts ? counts[thread] : 0;
    const int up_to = sum_up_to(count | (count > 0) << 16, parts);
    const int start = (up_to & 0xffff) - count, slot = (up_to >> 16) - (count > 0);
    if (count > 0)
    {
        chosen[slot] = thread;
        starts[slot] = start;
        counts[thread] = start;
    }
    if (thread == blockDim.x - 1)
    {
        starts[up_to >> 16] = all;
        for (int s = up_to >> 16; s < slots; s++) chosen[s] = -1;
    }
    __syncthreads();
    if (thread < all) places[counts[expert] + earlier] = thread;
}
