using Crosshead.Kernels.Products;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Products;

public sealed class MatrixProductTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_widened_product_and_its_gradients_are_those_of_the_definition(bool bias)
    {
        using var scope = NewDisposeScope();
        Tensor[] inputs = [Random(1, 3, 11, 40), Random(2, 24, 40), .. bias ? [Random(3, 24)] : Array.Empty<Tensor>()];
        KernelCheck.SameOn(CPU, t => [MatrixProduct.Widened(t[0], t[1], bias ? t[2] : null)],
            t => [nn.functional.linear(t[0], t[1], bias ? t[2] : null)],
            KernelCheck.Tolerance(ScalarType.BFloat16), inputs);
    }

    // Sums of 2,048 products: their rounding in float32 is far below that of the result.
    [Fact]
    public void A_widened_product_is_rounded_once()
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (Random(4, 16, 2048), Random(5, 8, 2048));
        var exact = nn.functional.linear(x.to_type(ScalarType.Float64), weight.to_type(ScalarType.Float64));
        var error = (MatrixProduct.Widened(x, weight, null).to_type(ScalarType.Float64) - exact).abs() / exact.abs();
        Assert.InRange(error.median().ToDouble(), 0, 1.0 / 512);
    }

    [Fact]
    public void Nothing_but_many_bfloat16_rows_on_a_processor_without_its_instructions_is_widened()
    {
        Assert.False(MatrixProduct.IsWidened(ScalarType.Float32, CPU, 100));
        Assert.False(MatrixProduct.IsWidened(ScalarType.BFloat16, CPU, 1));
        Assert.Equal(!CpuVectors.MultiplyBFloat16, MatrixProduct.IsWidened(ScalarType.BFloat16, CPU, 100));
    }

    // On a CUDA device no product is rounded to bfloat16 before it is added.
    [Theory]
    [InlineData(ScalarType.Float32, ScalarType.Float32, 40, 24, 1e-5)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 40, 24, 1e-5)]
    [InlineData(ScalarType.BFloat16, ScalarType.Float32, 33, 7, 1e-5)]
    public void Products_are_added_to_a_sum(ScalarType type, ScalarType sumType, long rows, long columns,
        double tolerance)
    {
        using var scope = NewDisposeScope();
        var (left, right) = (KernelCheck.Random(8, type, 100, rows), KernelCheck.Random(9, type, 100, columns));
        var expected = left.to_type(ScalarType.Float64).t().matmul(right.to_type(ScalarType.Float64));
        foreach (var device in KernelCheck.Devices)
        {
            var sum = full([rows, columns], double.NaN, sumType, device);
            foreach (var times in new[] { 1, 2, 3 })
            {
                MatrixProduct.AddTo(sum, left.to(device), right.to(device), fresh: times == 1);
                KernelCheck.Close(expected * times, sum, device.type == DeviceType.CPU && type == ScalarType.BFloat16
                    ? KernelCheck.Tolerance(type) : tolerance, $"{times} products on {device}");
            }
        }
    }

    [Fact]
    public void No_tensor_is_left() => KernelCheck.NothingLeft(() =>
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (Random(6, 9, 20).requires_grad_(), Random(7, 5, 20).requires_grad_());
        MatrixProduct.Widened(x, weight, null).sum().backward();
    });

    private static Tensor Random(long seed, params long[] shape) =>
        KernelCheck.Random(seed, ScalarType.BFloat16, shape);
}
