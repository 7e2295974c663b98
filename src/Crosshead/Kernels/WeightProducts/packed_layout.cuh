// The records of a format. Behind packed_formats.cuh. Compile-time: FORMAT, the name of a format.

typedef FORMAT Format;

// The first column of a lane in a half of a run.
__device__ __forceinline__ int first_column(int quad, int half)
{
    return Format::SUBS == 2 ? 16 * half + 4 * quad : 8 * quad + 4 * half;
}

__device__ __forceinline__ int column_of(Place at, int quad)
{
    return RUN * at.run + first_column(quad, at.half) + 2 * at.s + at.e;
}

// Positions in a record, in bytes.
#define LANE_BYTES (512 * Format::VECTORS)
#define PLANE_BYTES (8 * RUNS * 4)
#define SOME_PLANES (Format::PLANES > 0 ? Format::PLANES : 1)
#define SOME_TAIL (Format::TAIL > 0 ? Format::TAIL : 1)
#define RECORD_BYTES (LANE_BYTES + Format::PLANES * PLANE_BYTES + Format::TAIL * 64)

__device__ __forceinline__ int lane_word(int lane, int i) { return (i / 4 * 32 + lane) * 16 + i % 4 * 4; }

__device__ __forceinline__ int plane_word(int plane, int pair, int run)
{
    return LANE_BYTES + plane * PLANE_BYTES + (pair * RUNS + run) * 4;
}

// A run's word of the TAIL words of a row.
__device__ __forceinline__ int tail_of(int run) { return Format::TAIL > 1 ? run / (RUNS / 2) : 0; }

__device__ __forceinline__ int tail_word(int pair, int upper, int of)
{
    return LANE_BYTES + Format::PLANES * PLANE_BYTES + ((2 * pair + upper) * Format::TAIL + of) * 4;
}

// 16 bytes of a record: they leave what others read again where it is.
__device__ __forceinline__ uint4 stream(const u8* p)
{
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 {%0,%1,%2,%3}, [%4];\n" : "=r"(v.x), "=r"(v.y),
        "=r"(v.z), "=r"(v.w) : "l"(p));
    return v;
}
