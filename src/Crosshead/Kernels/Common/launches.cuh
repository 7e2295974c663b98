// The order of kernels that may overlap (compute capability 9.0 and later; before, they do not).

// A kernel may be launched before the one ahead of it in the stream is done: here it waits until all of that is
// written.
__device__ __forceinline__ void follow()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;\n" ::: "memory");
#endif
}

// The next kernel may be launched, to wait for this one. Without this it is launched when all blocks are done.
__device__ __forceinline__ void let_follow()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;\n" ::: "memory");
#endif
}

// Asks for memory that nothing queued writes, so that it lies in the second-level cache when it is needed.
__device__ __forceinline__ void warm(const void* p, int bytes)
{
    for (int at = threadIdx.x * 128; p && at < bytes; at += blockDim.x * 128)
        asm volatile("prefetch.global.L2 [%0];\n" ::"l"((const char*)p + at));
}
