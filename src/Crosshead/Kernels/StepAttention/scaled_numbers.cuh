// Numbers of 8 bits of a cache, and their scales (scaled_rows.cu). Behind bfloat16.cuh.
// Compile-time: SCALED (0 or none: the cache has bfloat16; 1: whole numbers, 2: e4m3).

#ifndef SCALED
#define SCALED 0
#endif

#if SCALED
#define SCALE_PARAMETERS , const bf16 *__restrict__ key_scales, long long key_scale_batch, long long key_scale_row,    \
    const bf16 *__restrict__ value_scales, long long value_scale_batch, long long value_scale_row

// The numbers of the first and third byte as bfloat16, which holds them exactly.
__device__ __forceinline__ u32 widen_bytes(u32 two)
{
#if SCALED == 1 // the low 7 bits with 128, less 128, or less 256 where the sign is set
    return multiply_add2((two & 0x00800080) | 0x43004300, 0xbf80bf80, (two & 0x007f007f) | 0x43004300);
#else           // bfloat16's own, but for 2^120
    return multiply_add2((two & 0x00800080) << 8 | (two & 0x007f007f) << 4, 0x7b807b80, 0x80008000);
#endif
}
#else
#define SCALE_PARAMETERS
#endif
