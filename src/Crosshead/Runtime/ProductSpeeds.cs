using System.Diagnostics;
using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>How long one matrix product takes on a device in float32 and in bfloat16.</summary>
/// <param name="Float32Seconds">The fastest float32 product, in seconds.</param>
/// <param name="BFloat16Seconds">The fastest bfloat16 product of the same size, in seconds.</param>
public sealed record ProductSpeeds(double Float32Seconds, double BFloat16Seconds)
{
    // The first products of a size are slow: libtorch prepares its kernels then.
    private const int WarmUp = 2;
    private const int LeastRounds = 4, MostRounds = 40;
    private const double Seconds = 0.2;

    /// <summary>How many times as fast bfloat16 is as float32; below 1 where it is slower.</summary>
    public double Gain => Float32Seconds / BFloat16Seconds;

    /// <summary>
    /// Times both in turn, so that other work on the machine slows both, and keeps the fastest of each. On the processor one thread
    /// computes: several would wait for each other where others use the cores, and one core's ratio is that of all. Takes about a
    /// fifth of a second.
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
        set_num_threads(1);
        try
        {
            return Fastest(single, brain);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    private static ProductSpeeds Fastest(Func<double> single, Func<double> brain)
    {
        for (var i = 0; i < WarmUp; i++) _ = single() + brain();
        var fastest = new ProductSpeeds(double.PositiveInfinity, double.PositiveInfinity);
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < MostRounds && (round < LeastRounds || clock.Elapsed.TotalSeconds < Seconds); round++)
            fastest = new ProductSpeeds(Math.Min(fastest.Float32Seconds, single()), Math.Min(fastest.BFloat16Seconds, brain()));
        return fastest;
    }
}
