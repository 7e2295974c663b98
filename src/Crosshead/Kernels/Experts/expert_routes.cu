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

// A logit's weight among experts: its probability, or its sigmoid.
__device__ __forceinline__ float score_of(float logit, int sigmoid, float largest, float total) {
    return sigmoid ? 1 / (1 + __expf(-logit)) : __expf(logit - largest) / total;
}

// The largest of a warp's keys, and the lowest place that has it; MOST where no lane has a place.
__device__ __forceinline__ unsigned best_of_warp(unsigned key, int& at)
{
    const unsigned best = __reduce_max_sync(ALL, at == MOST ? 0 : key);
    at = __reduce_min_sync(ALL, at != MOST && key == best ? at : MOST);
    return best;
}

// One block, a thread an expert and a place or more. logits [tokens, experts]; weights [tokens, k]; chosen [slots],
// starts [slots + 1], places [tokens·k]: slot s serves expert chosen[s], whose places are places[starts[s]] …
// places[starts[s + 1] − 1], and place t·k + j is token t's j-th expert, expert_of[t·k + j].
//
// bias [experts] is added to logits, choice_bias [experts] to weights while experts are chosen; null for nothing.
// Experts of a token come from its best groups_per_token of at most 32 groups; weights are multiplied by factor.
extern "C" __global__ void __launch_bounds__(1024) expert_routes(const float* __restrict__ logits,
    const float* __restrict__ bias, const float* __restrict__ choice_bias,
    float* __restrict__ weights, int* __restrict__ chosen,
    int* __restrict__ starts, int* __restrict__ places, int* __restrict__ experts_of, int tokens, int experts, int k,
    int slots, int sigmoid, int renormalize, float factor, int groups, int groups_per_token)
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
        float own[LANE_EXPERTS], rated[LANE_EXPERTS];
        float largest = -INFINITE;
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++)
        {
            const int expert = 32 * i + lane;
            own[i] = expert < experts ? row[expert] + (bias ? bias[expert] : 0) : -INFINITE;
            largest = fmaxf(largest, own[i]);
        }
        largest = unordered(__reduce_max_sync(ALL, ordered(largest)));
        float total = 0;
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++) total += __expf(own[i] - largest); // e^−∞ = 0
        for (int step = 16; step > 0; step /= 2) total += __shfl_xor_sync(ALL, total, step);
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++) // weights are in the order of logits where nothing is added to them
        {
            rated[i] = choice_bias || groups > 1 ? score_of(own[i], sigmoid, largest, total) : own[i];
            if (choice_bias && 32 * i + lane < experts) rated[i] += choice_bias[32 * i + lane];
        }

        if (groups > 1)
        {
            const int size = experts / groups;
            float good = -INFINITE; // of the lane's group: the sum of its two best
            for (int group = 0; group < groups; group++)
            {
                float two = 0;
                int first = MOST;
                for (int turn = 0; turn < 2; turn++)
                {
                    unsigned best = 0;
                    int at = MOST;
#pragma unroll
                    for (int i = 0; i < LANE_EXPERTS; i++)
                    {
                        const int expert = 32 * i + lane;
                        if (expert < experts && expert / size == group && expert != first
                            && (at == MOST || ordered(rated[i]) > best))
                        {
                            best = ordered(rated[i]);
                            at = expert;
                        }
                    }
                    two += unordered(best_of_warp(best, at));
                    first = at;
                }
                if (lane == group) good = two;
            }
            unsigned among = 0; // one bit a group
            for (int j = 0; j < groups_per_token; j++)
            {
                int at = lane < groups && !(among >> lane & 1) ? lane : MOST;
                best_of_warp(ordered(good), at);
                among |= 1u << at;
            }
#pragma unroll
            for (int i = 0; i < LANE_EXPERTS; i++)
            {
                const int expert = 32 * i + lane;
                if (expert < experts && !(among >> expert / size & 1)) rated[i] = -INFINITE;
            }
        }

        float sum = 0;
        unsigned taken = 0; // one bit a number of this lane
        for (int j = 0; j < k; j++)
        {
            unsigned best = 0;
            int at = MOST;
#pragma unroll
            for (int i = 0; i < LANE_EXPERTS; i++)
                if (32 * i + lane < experts && !(taken >> i & 1) && (at == MOST || ordered(rated[i]) > best))
                {
                    best = ordered(rated[i]);
                    at = 32 * i + lane;
                }
            best_of_warp(best, at);
            float score = 0;
#pragma unroll
            for (int i = 0; i < LANE_EXPERTS; i++)
                if (32 * i + lane == at)
                {
                    taken |= 1u << i;
                    score = score_of(own[i], sigmoid, largest, total);
                }
            score = __shfl_sync(ALL, score, at % 32);
            sum += score;
            if (lane == 0)
            {
                expert_of[token * k + j] = at;
                probability_of[token * k + j] = score;
            }
        }
        __syncwarp();
        for (int j = lane; j < k; j += 32)
        {
            weights[token * k + j] = probability_of[token * k + j] / (renormalize ? sum + 1e-20f : 1) * factor;
            experts_of[token * k + j] = expert_of[token * k + j];
        }
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
