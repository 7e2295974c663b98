// Which experts a token is given, by a warp.
//
// Compile-time: LANE_EXPERTS (a lane's share of the experts in a warp, 1 to 32). For compute capability 8.0 and later.

#define MOST 1024
#define INFINITE __int_as_float(0x7f800000)
#define ALL 0xffffffffu

// How logits become experts and weights: k of them, those with the largest weights, or weights and choice_bias where
// there is one. bias [experts] is added to logits, choice_bias [experts] to weights while experts are chosen; null for
// nothing. Experts of a token come from its best groups_per_token of at most 32 groups; weights are multiplied by
// factor.
#define RULE_PARAMETERS                                                                                                \
    const float *__restrict__ bias, const float *__restrict__ choice_bias, int experts, int k, int sigmoid,            \
    int renormalize, float factor, int groups, int groups_per_token
#define RULE bias, choice_bias, experts, k, sigmoid, renormalize, factor, groups, groups_per_token

// Numbers in the order of floats, and back.
__device__ __forceinline__ unsigned ordered(float x)
{
    const unsigned bits = __float_as_uint(x + 0.0f);         // −0 is 0
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float unordered(unsigned key) {
    return __uint_as_float(key >> 31 ? key ^ 0x80000000u : ~key);
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

// What all scores of a token have in common, where scores are asked for.
struct Scale
{
    float largest, total; // of its logits, and of their exponentials
};

// The experts of a token's logits, best first and the lowest of equals: take(j, expert) is called in all lanes for the
// first `most` of them.
template <bool SCORES, class Take>
__device__ __forceinline__ Scale choose(const float* row, RULE_PARAMETERS, int most, Take take)
{
    const int lane = threadIdx.x % 32;
    float own[LANE_EXPERTS], rated[LANE_EXPERTS];
    float largest = -INFINITE;
#pragma unroll
    for (int i = 0; i < LANE_EXPERTS; i++)
    {
        const int expert = 32 * i + lane;
        own[i] = expert < experts ? row[expert] + (bias ? bias[expert] : 0) : -INFINITE;
        largest = fmaxf(largest, own[i]);
    }
    float total = 0;
    if (SCORES || choice_bias || groups > 1)
    {
        largest = unordered(__reduce_max_sync(ALL, ordered(largest)));
#pragma unroll
        for (int i = 0; i < LANE_EXPERTS; i++) total += __expf(own[i] - largest); // e^−∞ = 0
        for (int step = 16; step > 0; step /= 2) total += __shfl_xor_sync(ALL, total, step);
    }
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

    unsigned taken = 0; // one bit a number of this lane
    for (int j = 0; j < most; j++)
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
        if (at % 32 == lane) taken |= 1u << at / 32;
        take(j, at);
    }
    return { largest, total };
}

// The score of an expert that was chosen.
__device__ __forceinline__ float score_of_expert(const float* row, const float* bias, int expert, int sigmoid,
    Scale scale)
{
    return score_of(row[expert] + (bias ? bias[expert] : 0), sigmoid, scale.largest, scale.total);
}

__device__ __forceinline__ float sum_of_warp(float x)
{
    for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(ALL, x, step);
    return x;
}

// What scores are divided by to be weights, of their sum.
__device__ __forceinline__ float whole_of(float sum, int renormalize) { return renormalize ? sum + 1e-20f : 1; }
