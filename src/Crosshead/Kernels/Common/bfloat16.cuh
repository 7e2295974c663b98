// bfloat16 as its bits.

typedef unsigned short bf16;
typedef unsigned int u32;

// Two floats to two bfloat16, the first in the low half.
__device__ __forceinline__ u32 pack(float low, float high)
{
    u32 r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

__device__ __forceinline__ float widen(bf16 x) { return __uint_as_float((u32)x << 16); }

__device__ __forceinline__ bf16 narrow(float x) { return (bf16)pack(x, 0); }

// a · b + c of two bfloat16 each.
__device__ __forceinline__ u32 multiply_add2(u32 a, u32 b, u32 c)
{
    u32 r;
    asm("fma.rn.bf16x2 %0, %1, %2, %3;\n" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

// A number of half precision from its bits.
__device__ __forceinline__ float widen_half(u32 bits)
{
    float r;
    asm("cvt.f32.f16 %0, %1;\n" : "=f"(r) : "h"((unsigned short)bits));
    return r;
}
