// How GPUs send each other what they add up. Behind bfloat16.cuh.
//
// Every GPU writes its numbers into the memory of all others, in lines of 16 bytes: 4, the round, 4, the round. Eight
// bytes arrive at once, so whoever finds the round finds the numbers, and no other message is needed (as NCCL's
// protocol LL has it).
//
// Two places take turns. A GPU writes to a place again two rounds later. By then it has read the numbers of the round
// between from all others, and these had begun that round only when they had done with the one before.
//
// Compile-time: RANKS, LINES (of a place).

#define LOOKS 4096 // between looks at whether to give up

__device__ __forceinline__ void send(uint4* to, uint2 words, u32 round)
{
    asm volatile("st.volatile.global.v4.u32 [%0], {%1, %2, %3, %4};\n"
        :: "l"(to), "r"(words.x), "r"(round), "r"(words.y), "r"(round) : "memory");
}

__device__ __forceinline__ uint2 receive(const uint4* from, u32 round, const volatile int* gives_up)
{
    uint4 line;
    for (int look = 1; ; look++)
    {
        asm volatile("ld.volatile.global.v4.u32 {%0, %1, %2, %3}, [%4];\n"
            : "=r"(line.x), "=r"(line.y), "=r"(line.z), "=r"(line.w) : "l"(from) : "memory");
        if (line.y == round && line.w == round) break;
        if (look % LOOKS == 0 && *gives_up) break;
    }
    return make_uint2(line.x, line.z);
}

// What a kernel is given that sends: the last round that has ended, and the memory of each rank, [2, RANKS, LINES]
// lines.
#define SEND_PARAMETERS                                                                                                \
    int rank, const volatile u32 *state, uint4 *p0, uint4 *p1, uint4 *p2, uint4 *p3, uint4 *p4, uint4 *p5, uint4 *p6,  \
    uint4 *p7
#define SEND_PLACES { p0, p1, p2, p3, p4, p5, p6, p7 }

// Four neighbours' numbers, from the first of their lanes, as a line to all ranks, this one too; all lanes of a warp.
__device__ __forceinline__ void send_four(uint4* const (&places)[8], int rank, u32 round, long long line, bf16 number,
    bool is_first)
{
    const u32 two = number | __shfl_down_sync(~0u, (u32)number, 1) << 16, others = __shfl_down_sync(~0u, two, 2);
    if (!is_first) return;
    const long long place = (round % 2 * RANKS + rank) * (long long)LINES + line;
#pragma unroll
    for (int to = 0; to < RANKS; to++) send(places[to] + place, make_uint2(two, others), round);
}
