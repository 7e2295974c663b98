// One AdamW step of a tensor. A thread takes LANES numbers. The element is that of the moments; bfloat16 ones are
// rounded at random, as RandomRounding says. Operations are rounded one by one, so that the bits are those of the CPU.

#define BLOCK_BITS 16 // a block of a parameter has 2¹⁶ elements

inline u32 mix(u32 x)
{
    x = (x ^ (x >> 16)) * 0x21F0AAADu;
    x = (x ^ (x >> 15)) * 0x735A2D97u;
    return x ^ (x >> 15);
}

inline float round_by(float x, u32 random)
{
    return x == x ? __uint_as_float((__float_as_uint(x) + random) & 0xffff0000u) : x;
}

extern "C" __global__ void adamw(float* __restrict__ values,          // [count]
                                 const float* __restrict__ gradients, // [count]
                                 element* __restrict__ firsts,        // [count]
                                 element* __restrict__ seconds,       // [count]
                                 bf16* __restrict__ copies,           // [count] of the values; null for none
                                 const float* __restrict__ divisor,   // of the gradients
                                 long long count, u32 seed, u32 first_block,
                                 float keep, float new_first, float beta2, float new_second, float step_size,
                                 float root_correction, float epsilon)
{
    const long long at = ((long long)blockIdx.x * blockDim.x + threadIdx.x) * LANES;
    if (at >= count) return;
    const float scale = __fdiv_rn(1, *divisor);
    float value[LANES], gradient[LANES], first[LANES], second[LANES];
    load(values + at, value);
    load(gradients + at, gradient);
    load(firsts + at, first);
    load(seconds + at, second);
#if BF16
    const u32 block = mix(seed + (first_block + (u32)(at >> BLOCK_BITS)) * 0x9E3779B9u);
    const u32 within = (u32)at & ((1u << BLOCK_BITS) - 1);
#endif
#pragma unroll
    for (int j = 0; j < LANES; j++)
    {
        const float g = __fmul_rn(gradient[j], scale);
        first[j] = __fmaf_rn(__fsub_rn(g, first[j]), new_first, first[j]);
        second[j] = __fmaf_rn(__fmul_rn(g, g), new_second, __fmul_rn(second[j], beta2));
        const float root = __fmaf_rn(__fsqrt_rn(second[j]), root_correction, epsilon);
        value[j] = __fsub_rn(__fmul_rn(value[j], keep), __fdiv_rn(__fmul_rn(first[j], step_size), root));
#if BF16
        const u32 random = mix(block + within + j);
        first[j] = round_by(first[j], random & 0xffffu);
        second[j] = round_by(second[j], random >> 16);
#endif
    }
    store(values + at, value);
    store(firsts + at, first);
    store(seconds + at, second);
    if (copies) store(copies + at, value);
}
