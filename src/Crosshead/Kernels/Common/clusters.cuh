// Blocks that may read each other's shared memory: their number, one's own rank, a barrier, a read, a write. Before
// compute capability 9.0 a cluster is one block.
#if __CUDA_ARCH__ >= 900
#define PEER "shared::cluster"
__device__ __forceinline__ int cluster_size() { int r; asm("mov.u32 %0, %%cluster_nctaid.x;\n" : "=r"(r)); return r; }
__device__ __forceinline__ int cluster_rank() { int r; asm("mov.u32 %0, %%cluster_ctaid.x;\n" : "=r"(r)); return r; }
__device__ __forceinline__ void cluster_arrive() { asm volatile("barrier.cluster.arrive.aligned;\n" ::: "memory"); }
__device__ __forceinline__ void cluster_wait() { asm volatile("barrier.cluster.wait.aligned;\n" ::: "memory"); }
__device__ __forceinline__ u32 address_of_peer(u32 address, int rank)
{
    u32 r;
    asm("mapa.shared::cluster.u32 %0, %1, %2;\n" : "=r"(r) : "r"(address), "r"(rank));
    return r;
}
#else
#define PEER "shared"
__device__ __forceinline__ int cluster_size() { return 1; }
__device__ __forceinline__ int cluster_rank() { return 0; }
__device__ __forceinline__ void cluster_arrive() {}
__device__ __forceinline__ void cluster_wait() { __syncthreads(); }
__device__ __forceinline__ u32 address_of_peer(u32 address, int) { return address; }
#endif

__device__ __forceinline__ void cluster_barrier()
{
    cluster_arrive();
    cluster_wait();
}

__device__ __forceinline__ void write_peer(u32 address, float x) {
    asm volatile("st." PEER ".f32 [%0], %1;\n" ::"r"(address), "f"(x) : "memory");
}
__device__ __forceinline__ void write_peer4(u32 address, float4 x)
{
    asm volatile("st." PEER ".v4.f32 [%0], {%1,%2,%3,%4};\n" ::"r"(address), "f"(x.x), "f"(x.y), "f"(x.z), "f"(x.w)
                 : "memory");
}
__device__ __forceinline__ float read_peer(u32 address) {
    float r;
    asm volatile("ld." PEER ".f32 %0, [%1];\n" : "=f"(r) : "r"(address));
    return r;
}
__device__ __forceinline__ float4 read_peer4(u32 address)
{
    float4 r;
    asm volatile("ld." PEER ".v4.f32 {%0,%1,%2,%3}, [%4];\n" : "=f"(r.x), "=f"(r.y), "=f"(r.z),
        "=f"(r.w) : "r"(address));
    return r;
}

