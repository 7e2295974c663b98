using Crosshead.Kernels.Common;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels;

/// <summary>
/// Compares a kernel with the plain operators it stands for, computed in float64 on the same (rounded) inputs.
/// </summary>
internal static class KernelCheck
{
    public static double Tolerance(ScalarType type) => type == ScalarType.BFloat16 ? 1.0 / 128 : 1e-5;

    public static Tensor Random(long seed, ScalarType type, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        return randn(shape, ScalarType.Float32, generator: generator).to_type(type);
    }

    /// <summary>The CPU, and a CUDA device where there is one.</summary>
    public static Device[] Devices => cuda.is_available() ? [CPU, CUDA] : [CPU];

    /// <summary>
    /// Outputs and the gradients of all inputs under random output gradients, kernel on every device against reference.
    /// </summary>
    public static void Same(Func<Tensor[], Tensor[]> kernel, Func<Tensor[], Tensor[]> reference, double tolerance,
        params Tensor[] inputs)
    {
        foreach (var device in Devices) SameOn(device, kernel, reference, tolerance, inputs);
    }

    /// <summary><see cref="Same"/> on one device.</summary>
    public static void SameOn(Device device, Func<Tensor[], Tensor[]> kernel, Func<Tensor[], Tensor[]> reference,
        double tolerance, params Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        var forKernel = inputs.Select(t => t.detach().to(device).requires_grad_()).ToArray();
        var forReference = inputs.Select(t => t.detach().to_type(ScalarType.Float64).requires_grad_()).ToArray();
        var outputs = kernel(forKernel);
        var expected = reference(forReference);
        Backward(outputs);
        Backward(expected);
        GradientNode.RethrowFailure();
        for (var i = 0; i < outputs.Length; i++) Close(expected[i], outputs[i], tolerance, $"output {i}");
        for (var i = 0; i < inputs.Length; i++)
        {
            Assert.Equal(inputs[i].dtype, forKernel[i].grad!.dtype);
            Close(forReference[i].grad!, forKernel[i].grad!, tolerance, $"gradient {i}");
        }
    }

    public static void Close(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        var largest = expected.abs().max().ToDouble();
        var error = (expected - actual.cpu().to_type(ScalarType.Float64)).abs().max()
            .ToDouble() / Math.Max(largest, 1e-30);
        Assert.True(error <= tolerance, $"{what}: relative error {error:G3} > {tolerance:G3}");
    }

    /// <summary>
    /// Runs <paramref name="work"/> twice inside scopes and expects no tensor left by the second run.
    /// </summary>
    public static void NothingLeft(Action work)
    {
        Run(work);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Run(work);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static void Run(Action work)
    {
        using var scope = NewDisposeScope();
        work();
    }

    private static void Backward(Tensor[] outputs)
    {
        var total = zeros([], ScalarType.Float64);
        for (var i = 0; i < outputs.Length; i++)
            total = total + (outputs[i].cpu().to_type(ScalarType.Float64) * Random(100 + i, outputs[i].dtype,
                outputs[i].shape).to_type(ScalarType.Float64)).sum();
        total.backward();
    }
}
