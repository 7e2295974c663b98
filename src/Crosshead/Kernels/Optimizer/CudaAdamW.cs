using Crosshead.Kernels.Common;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Optimizer;

/// <summary>The step of <see cref="FusedAdamW"/> on a CUDA device, with the same bits; the host does not wait.
/// </summary>
internal static class CudaAdamW
{
    private const int Threads = 256;

    private static readonly RowSource Source = new("adamw.cu");

    /// <summary>Whether <see cref="Step"/> takes this parameter and gradient.</summary>
    /// <param name="parameter">float32, dense.</param>
    /// <param name="gradient">float32, dense, of the same size.</param>
    public static bool Supports(Tensor parameter, Tensor gradient) =>
        RowSource.Supports(parameter) && parameter.dtype == ScalarType.Float32 && parameter.is_contiguous()
        && gradient.dtype == ScalarType.Float32 && gradient.is_contiguous()
        && parameter.numel() == gradient.numel();

    /// <summary>Steps one parameter.</summary>
    /// <param name="parameter">float32, dense; written.</param>
    /// <param name="gradient">float32, dense.</param>
    /// <param name="first">float32 or bfloat16, dense; written.</param>
    /// <param name="second">Of the same type, dense; written.</param>
    /// <param name="step">The step's numbers; the scale of gradients is not used.</param>
    /// <param name="divisor">A float32 scalar on the device that gradients are divided by.</param>
    /// <param name="rounding">How bfloat16 moments are rounded.</param>
    /// <param name="copy">bfloat16, dense, which gets the new values; null for none.</param>
    public static void Step(Tensor parameter, Tensor gradient, Tensor first, Tensor second, AdamWStep step,
        Tensor divisor, RandomRounding rounding, Tensor? copy)
    {
        var count = parameter.numel();
        if (count == 0) return;
        var lanes = RowSource.Lanes(count, parameter, gradient, first, second, copy);
        var numbers = new AdamWNumbers(step);
        Source.Kernel(parameter.device_index, "adamw", first.dtype, lanes).Launch(
            (checked((int)((count / lanes + Threads - 1) / Threads)), 1, 1), Threads, 0,
            [
                Aten.DataPointer(parameter), Aten.DataPointer(gradient), Aten.DataPointer(first),
                Aten.DataPointer(second), Aten.Address(copy), Aten.DataPointer(divisor), count,
                unchecked((int)rounding.Seed), unchecked((int)rounding.FirstBlock), numbers.Keep, numbers.NewFirst,
                numbers.Beta2, numbers.NewSecond, numbers.StepSize, numbers.RootCorrection, numbers.Epsilon,
            ]);
        foreach (var tensor in new[] { parameter, gradient, first, second, divisor, copy }) GC.KeepAlive(tensor);
    }
}
