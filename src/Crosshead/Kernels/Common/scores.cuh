// From products of queries and keys to the weights of values. Scores count in powers of 2.
// Behind bfloat16.cuh. Compile-time: CAPPED (1: a score s becomes cap · tanh(s / cap)), SINKS (1: a head has one more
// score, which has no value).

#define LOG2E 1.4426950409f

__device__ __forceinline__ float exp2_fast(float x)
{
    float r;
    asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(r) : "f"(x));
    return r;
}

// The score of a product that is multiplied by the scale and by all factors. CAPPED the scale is that of 2 / cap, as
// tanh(x) = 1 − 2 / (e^2x + 1), and the cap has log2(e) in it.
__device__ __forceinline__ float capped(float x, float cap)
{
    return CAPPED ? cap * (1 - __fdividef(2, exp2_fast(x) + 1)) : x;
}

// What a query's sums of values are multiplied by, of its largest score and the total of its weights.
__device__ __forceinline__ float factor_of_sums(float largest, float total, const bf16* sinks, int head)
{
    if (SINKS) total += exp2_fast(widen(sinks[head]) * LOG2E - largest);
    return total == 0 ? 0 : 1 / total; // nothing seen: zeros
}
