// What every kernel over rows begins with: the element, float32 or bfloat16, and reading and writing several of them as
// floats.
//
// Compile-time: BF16 (1 for bfloat16, 0 for float32), LANES (elements a thread takes at once: 8, where every row lies
// on 16 bytes, or 1). For compute capability 8.0 and later. Behind bfloat16.cuh.

#define INFINITE __int_as_float(0x7f800000)
#define NOT_A_NUMBER __int_as_float(0x7fc00000)

inline void load(const float* p, float (&x)[1]) { x[0] = *p; }
inline void load(const bf16* p, float (&x)[1]) { x[0] = widen(*p); }
inline void store(float* p, const float (&x)[1]) { *p = x[0]; }
inline void store(bf16* p, const float (&x)[1]) { *p = (bf16)pack(x[0], 0); }

inline void load(const float* p, float (&x)[8])
{
    const float4 a = ((const float4*)p)[0], b = ((const float4*)p)[1];
    x[0] = a.x; x[1] = a.y; x[2] = a.z; x[3] = a.w;
    x[4] = b.x; x[5] = b.y; x[6] = b.z; x[7] = b.w;
}

inline void load(const bf16* p, float (&x)[8])
{
    const uint4 a = *(const uint4*)p;
    const u32 words[4] = { a.x, a.y, a.z, a.w };
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        x[2 * i] = __uint_as_float(words[i] << 16);
        x[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
    }
}

inline void store(float* p, const float (&x)[8])
{
    ((float4*)p)[0] = make_float4(x[0], x[1], x[2], x[3]);
    ((float4*)p)[1] = make_float4(x[4], x[5], x[6], x[7]);
}

inline void store(bf16* p, const float (&x)[8])
{
    *(uint4*)p = make_uint4(pack(x[0], x[1]), pack(x[2], x[3]), pack(x[4], x[5]), pack(x[6], x[7]));
}

#if BF16
typedef bf16 element;
inline float rounded(float x) { return widen((bf16)pack(x, 0)); }
#else
typedef float element;
inline float rounded(float x) { return x; }
#endif
