using Crosshead.Runtime;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Tests.Runtime.Cuda;

public sealed class CudaKernelTests
{
    // sum[i] = left[i] + factor · right[i] + BIAS for first ≤ i < count, through shared memory.
    private const string Source = """
        extern "C" __global__ void add(const float* left, const float* right, float* sum, int count, long long first, float factor)
        {
            extern __shared__ float staged[];
            const long long i = first + (long long)blockIdx.x * blockDim.x + threadIdx.x;
            staged[threadIdx.x] = i < count ? left[i] : 0.0f;
            __syncthreads();
            if (i < count) sum[i] = staged[threadIdx.x] + factor * right[i] + BIAS;
        }
        """;

    private const int Threads = 128;

    [Theory]
    [InlineData(Threads * sizeof(float))]
    [InlineData(64 << 10)]
    public void A_kernel_computes_on_tensors_in_order_with_libtorch(int sharedBytes)
    {
        SkipWithoutCuda();
        const int count = 1000, first = 10;
        using var scope = NewDisposeScope();
        var left = arange(count, dtype: float32, device: CUDA);
        var right = left * 2;
        var sum = zeros(count, device: CUDA);

        var kernel = CudaKernel.Load(0, Source, "add", ["BIAS=0.25f"]);
        kernel.Launch(((count + Threads - 1) / Threads, 1, 1), Threads, sharedBytes,
            [Aten.DataPointer(left), Aten.DataPointer(right), Aten.DataPointer(sum), count, (long)first, 0.5f]);

        var expected = left * 2 + 0.25;
        expected.narrow(0, 0, first).zero_();
        Assert.True(sum.eq(expected).all().item<bool>());
        Assert.InRange(kernel.BlocksPerMultiprocessor(Threads, sharedBytes), 1, 32);
    }

    [Fact]
    public void A_kernel_is_loaded_once_for_its_defines()
    {
        SkipWithoutCuda();
        var kernel = CudaKernel.Load(0, Source, "add", ["BIAS=1"]);
        Assert.Same(kernel, CudaKernel.Load(0, Source, "add", ["BIAS=1"]));
        Assert.NotSame(kernel, CudaKernel.Load(0, Source, "add", ["BIAS=2"]));
    }

    [Fact]
    public void A_source_that_does_not_compile_is_refused_with_its_first_error()
    {
        SkipWithoutCuda();
        var error = Assert.Throws<CrossheadException>(
            () => CudaKernel.Load(0, "extern \"C\" __global__ void broken() { absent(); }", "broken", []));
        Assert.Contains("\"absent\" is undefined", error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void More_shared_memory_than_the_device_has_is_refused()
    {
        SkipWithoutCuda();
        var kernel = CudaKernel.Load(0, Source, "add", ["BIAS=3"]);
        var error = Assert.Throws<CrossheadException>(
            () => kernel.BlocksPerMultiprocessor(Threads, kernel.Device.SharedMemoryPerBlock + 1));
        Assert.Contains($"the device has {kernel.Device.SharedMemoryPerBlock}", error.Message);
    }

    private static void SkipWithoutCuda() =>
        Assert.SkipUnless(cuda_is_available() && Nvrtc.IsAvailable, "this machine has no CUDA device or no NVRTC");
}
