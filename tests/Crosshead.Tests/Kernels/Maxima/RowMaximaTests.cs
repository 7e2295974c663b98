using Crosshead.Kernels.Maxima;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Maxima;

/// <summary>The largest numbers of rows against a plain search.</summary>
public sealed class RowMaximaTests
{
    private static readonly bool s_cuda = cuda_is_available();

    [Theory]
    [InlineData(1, 128256, ScalarType.BFloat16)]
    [InlineData(7, 50257, ScalarType.BFloat16)]
    [InlineData(3, 4100, ScalarType.Float32)]
    [InlineData(2, 5, ScalarType.Float32)]
    [InlineData(2, 1, ScalarType.BFloat16)]
    [InlineData(2, 300, ScalarType.Float64)]
    public void The_first_of_the_largest_is_found(int rows, int width, ScalarType type)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var random = new TorchSharp.torch.Generator(1);
        Check(randn([rows, width], ScalarType.Float32, generator: random).to(type)); // in bfloat16 many are equal
        Check(full([rows, width], -1, ScalarType.Float32).to(type));
        Check(full([rows, width], float.NegativeInfinity, ScalarType.Float32).to(type));
    }

    [Fact]
    public void Zeros_are_equal_and_what_is_no_number_comes_first()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        Check(tensor([-1, -0f, 0, -2], [2, 2]));
        Check(tensor([-3, -0f, 0, -2], [1, 4]));
        Check(tensor([1, float.PositiveInfinity, float.NaN, -float.NaN], [1, 4]));
    }

    // Against the host's search: NaN counts as the largest.
    private static void Check(Tensor rows)
    {
        var (count, width) = ((int)rows.shape[0], (int)rows.shape[1]);
        var numbers = rows.to(ScalarType.Float32).data<float>().ToArray();
        var moved = rows.cuda();
        using var ids = new PinnedMemory(moved.device_index, count * sizeof(long));
        using var largest = new PinnedMemory(moved.device_index, count * sizeof(float));
        RowMaxima.Write(moved, ids, largest);
        cuda.synchronize();
        for (var row = 0; row < count; row++)
        {
            var own = numbers[(row * width)..((row + 1) * width)];
            var nan = Array.FindIndex(own, float.IsNaN);
            var expected = nan >= 0 ? nan : Array.IndexOf(own, own.Max());
            Assert.Equal(expected, ids.Of<long>()[row]);
            Assert.Equal(own[expected], largest.Of<float>()[row]);
        }
    }
}
