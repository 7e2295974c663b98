// Columns of tokens on their way to the tensor cores. Behind bfloat16.cuh and packed_layout.cuh.

#define TOKEN_EXPONENT (Format::EXPONENT ? 80 : 0) // tokens are multiplied by 2 to the power of this
#define TWO_TO(exponent) (((exponent) + 127) << 7) // as bfloat16
#define TWICE(number) (0x10001 * (number))         // in both halves of a word

// A lane's columns of a run of a token; zeros where there is none.
__device__ __forceinline__ void read_columns(uint2 (&columns)[2], const bf16* run, int quad, bool there)
{
    if constexpr (Format::SUBS == 1)
    {
        const uint4 both = there ? *(const uint4*)(run + first_column(quad, 0)) : make_uint4(0, 0, 0, 0);
        columns[0] = make_uint2(both.x, both.y);
        columns[1] = make_uint2(both.z, both.w);
    }
    else
#pragma unroll
        for (int half = 0; half < 2; half++)
            columns[half] = there ? *(const uint2*)(run + first_column(quad, half)) : make_uint2(0, 0);
}

// Multiplies columns by the norm's weights; adds up their squares.
__device__ __forceinline__ void norm_columns(uint2 (&columns)[2], const uint2 (&gains)[2], float& squares)
{
    auto scale = [&](u32 x, u32 gain) {
        const float low = widen((bf16)(x & 0xffff)), high = widen((bf16)(x >> 16));
        squares += low * low;
        squares += high * high;
        return pack(low * widen((bf16)(gain & 0xffff)), high * widen((bf16)(gain >> 16)));
    };
#pragma unroll
    for (int half = 0; half < 2; half++)
        columns[half] = make_uint2(scale(columns[half].x, gains[half].x), scale(columns[half].y, gains[half].y));
}

// Multiplies columns by 2^TOKEN_EXPONENT, which loses nothing, and those of the second pairs by 2^STEP less.
__device__ __forceinline__ void enlarge(uint2 (&columns)[2])
{
    const u32 none = 0x80008000, first = TWICE(TWO_TO(TOKEN_EXPONENT)),
        second = TWICE(TWO_TO(TOKEN_EXPONENT - Format::STEP));
#pragma unroll
    for (int half = 0; half < 2; half++)
        columns[half] = make_uint2(multiply_add2(columns[half].x, first, none),
            multiply_add2(columns[half].y, second, none));
}
