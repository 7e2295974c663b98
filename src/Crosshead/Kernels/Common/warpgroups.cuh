// What warpgroups say to the tensor cores and to each other, an instruction a function. For compute capability 9.0
// alone (sm_90a), behind tensor_cores.cuh.

typedef unsigned long long u64;

// A counter in shared memory that warps arrive at and wait for. A phase ends with the last of its arrivals.
__device__ __forceinline__ void start_barrier(u32 barrier, int arrivals) {
    asm volatile("mbarrier.init.shared.b64 [%0], %1;\n" ::"r"(barrier), "r"(arrivals) : "memory");
}
__device__ __forceinline__ void arrive(u32 barrier) {
    asm volatile("mbarrier.arrive.shared.b64 _, [%0];\n" ::"r"(barrier) : "memory");
}
// until its phases of this parity have one that is over; before the first, an odd one is
__device__ __forceinline__ void wait(u32 barrier, int phase)
{
    asm volatile("{\n.reg .pred done;\nagain:\nmbarrier.try_wait.parity.shared.b64 done, [%0], %1;\n@!done bra "
        "again;\n}\n" ::"r"(barrier), "r"(phase) : "memory");
}

// As arrive, once all that the thread has asked for so far (cp.async) is there.
__device__ __forceinline__ void arrive_with_copies(u32 barrier) {
    asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];\n" ::"r"(barrier) : "memory");
}

// What the thread wrote to shared memory, or others for whom it has waited, becomes visible to wgmma. In a thread with
// copies under way this would wait for them.
__device__ __forceinline__ void show_tensor_cores() { asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory"); }

// Rows of 128 bytes whose eight parts of 16 lie swapped (part p of row r at p ^ r % 8), groups of eight rows 1,024
// bytes apart.
__device__ __forceinline__ u64 describe(u32 address) {
    return (u64)(address >> 4 & 0x3fff) | (u64)64 << 16 | (u64)64 << 32 | (u64)1 << 62;
}

__device__ __forceinline__ void begin_products() { asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory"); }
__device__ __forceinline__ void end_products() {
    asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n" ::: "memory");
}

// c [64, N] (+)= a [64, 16] b [16, N], both in shared memory, b's rows of 16 in order; a's too or, TURNED, its columns
// of 64.
#define WGMMA(N, REGISTERS, A, B, USE, TURN, ...)                                                                      \
    asm volatile("{\n.reg .pred use;\nsetp.ne.b32 use, " USE ", 0;\nwgmma.mma_async.sync.aligned.m64n"                 \
    #N "k16.f32.bf16.bf16 {" REGISTERS "}, " A ", " B ", use, 1, 1, " TURN ", 0;\n}\n"                                 \
                 : __VA_ARGS__ : "l"(a), "l"(b), "r"(add), "n"(TURNED))
#define F4(i) "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3])
template <int TURNED> __device__ __forceinline__ void multiply(float (&c)[4], u64 a, u64 b, int add)
{
    WGMMA(8, "%0,%1,%2,%3", "%4", "%5", "%6", "%7", F4(0));
}
template <int TURNED> __device__ __forceinline__ void multiply(float (&c)[8], u64 a, u64 b, int add)
{
    WGMMA(16, "%0,%1,%2,%3,%4,%5,%6,%7", "%8", "%9", "%10", "%11", F4(0), F4(4));
}
template <int TURNED> __device__ __forceinline__ void multiply(float (&c)[16], u64 a, u64 b, int add)
{
    WGMMA(32, "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15", "%16", "%17", "%18", "%19", F4(0),
        F4(4), F4(8), F4(12));
}
template <int TURNED> __device__ __forceinline__ void multiply(float (&c)[32], u64 a, u64 b, int add)
{
    WGMMA(64, "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,"
        "%28,%29,%30,%31", "%32", "%33", "%34", "%35",
          F4(0), F4(4), F4(8), F4(12), F4(16), F4(20), F4(24), F4(28));
}
