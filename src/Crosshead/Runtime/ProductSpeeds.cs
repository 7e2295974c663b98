using System.Diagnostics;
using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>The time of one matrix product on a device in float32 and in bfloat16.</summary>
/// <param name="Float32Seconds">The fastest float32 product, in seconds.</param>
/// <param name="BFloat16Seconds">The fastest bfloat16 product of the same size, in seconds.</param>
public sealed record ProductSpeeds(double Float32Seconds, double BFloat16Seconds)
{
    // The first products of a size are slow, because libtorch prepares its kernels.
    private const int WarmUp = 2;
    private const int LeastRounds = 4, MostRounds = 40;
    private const double Seconds = 0.2;

    /// <summary>The speed of bfloat16 relative to float32; below 1 if bfloat16 is slower.</summary>
    public double Gain => Float32Seconds / BFloat16Seconds;

    /// <summary>
    /// Times both alternately, so that other work on the machine slows both, and keeps the fastest time of each. On the
    /// processor one thread computes, because several threads would wait for each other on busy cores, and the ratio of
    /// one core is that of all. It takes about a fifth of a second.
    /// </summary>
    /// <param name="device">Where.</param>
    /// <param name="rows">Rows of the left matrix: tokens.</param>
    /// <param name="inputs">Columns of the left matrix.</param>
    /// <param name="outputs">Columns of the product.</param>
    public static ProductSpeeds Measure(Device device, long rows, long inputs, long outputs)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Func<double> Product(ScalarType type)
        {
            var (left, right) = (ones([rows, inputs], type, device), ones([outputs, inputs], type, device));
            return () =>
            {
                using var inner = NewDisposeScope();
                var start = Stopwatch.GetTimestamp();
                nn.functional.linear(left, right);
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            };
        }
        var (single, brain) = (Product(ScalarType.Float32), Product(ScalarType.BFloat16));
        var threads = get_num_threads();
        ComputeThreads.UseHere(1);
        try
        {
            return Fastest(single, brain);
        }
        finally
        {
            ComputeThreads.UseHere(threads);
        }
    }

    private static ProductSpeeds Fastest(Func<double> single, Func<double> brain)
    {
        for (var i = 0; i < WarmUp; i++) _ = single() + brain();
        var fastest = new ProductSpeeds(double.PositiveInfinity, double.PositiveInfinity);
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < MostRounds
            && (round < LeastRounds || clock.Elapsed.TotalSeconds < Seconds); round++)
            fastest = new ProductSpeeds(Math.Min(fastest.Float32Seconds, single()),
                Math.Min(fastest.BFloat16Seconds, brain()));
        return fastest;
    }
}
