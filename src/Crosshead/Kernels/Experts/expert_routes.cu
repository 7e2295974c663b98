// From a router's logits to the experts that tokens are given: for the few tokens of a step, so that nothing of it has
// to be known to the host. Compiled behind launches.cuh and expert_choice.cuh.

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
// places[starts[s + 1] − 1], and place t·k + j is token t's j-th expert, expert_of[t·k + j].
extern "C" __global__ void __launch_bounds__(1024) expert_routes(const float* __restrict__ logits,
    float* __restrict__ weights, int* __restrict__ chosen, int* __restrict__ starts, int* __restrict__ places,
    int tokens, int slots, RULE_PARAMETERS)
{
    __shared__ int expert_of[MOST];
    __shared__ float probability_of[MOST];
    __shared__ int counts[MOST]; // of an expert's places; then where they begin
    __shared__ int parts[32];
    const int thread = threadIdx.x, warp = thread / 32, lane = thread % 32, all = tokens * k;
    if (thread < experts) counts[thread] = 0;
    follow();
    let_follow();

    for (int token = warp; token < tokens; token += blockDim.x / 32) // a warp a token
    {
        const float* row = logits + (long long)token * experts;
        const Scale scale = choose<true>(row, RULE, k, [&](int j, int expert) {
            if (lane == 0) expert_of[token * k + j] = expert;
        });
        __syncwarp();
        float sum = 0;
        for (int j = lane; j < k; j += 32)
        {
            const float score = score_of_expert(row, bias, expert_of[token * k + j], sigmoid, scale);
            probability_of[token * k + j] = score;
            sum += score;
        }
        const float whole = whole_of(sum_of_warp(sum), renormalize);
        for (int j = lane; j < k; j += 32)
            weights[token * k + j] = probability_of[token * k + j] / whole * factor;
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
