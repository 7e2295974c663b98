// A record of a packed weight as the lanes of a warp have it. Behind packed_layout.cuh.

// What a lane has of a unit: its numbers, and the factors of its pair of rows.
struct Weights
{
    u32 words[4 * Format::VECTORS], factors[SOME_PLANES][RUNS], tails[2][SOME_TAIL];
};

__device__ __forceinline__ void take(u32* target, const u8* source)
{
    const uint4 v = stream(source);
    target[0] = v.x; target[1] = v.y; target[2] = v.z; target[3] = v.w;
}

__device__ __forceinline__ void fetch(Weights& w, const u8* record, int lane)
{
#pragma unroll
    for (int i = 0; i < Format::VECTORS; i++) take(w.words + 4 * i, record + lane_word(lane, 4 * i));
#pragma unroll
    for (int plane = 0; plane < Format::PLANES; plane++)
#pragma unroll
        for (int run = 0; run < RUNS; run += 4) take(w.factors[plane] + run, record + plane_word(plane, lane / 4, run));
#pragma unroll
    for (int upper = 0; upper < 2; upper++)
#pragma unroll
        for (int of = 0; of < Format::TAIL; of++)
            w.tails[upper][of] = *(const u32*)(record + tail_word(lane / 4, upper, of));
}
