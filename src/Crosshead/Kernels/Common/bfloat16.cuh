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

