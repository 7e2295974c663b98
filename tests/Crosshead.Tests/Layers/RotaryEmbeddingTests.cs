using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Layers;

/// <summary>Scaled rotary frequencies against their published formulas, written out pair by pair.</summary>
public sealed class RotaryEmbeddingTests
{
    private const int Dim = 64, Context = 4096;

    private static readonly RopeScaling Linear = new() { Kind = RopeScalingKind.Linear, Factor = 4 };
    private static readonly RopeScaling Llama3 = new()
    {
        Kind = RopeScalingKind.Llama3,
        Factor = 8,
        OriginalContext = 512,
        LowFrequencyFactor = 1,
        HighFrequencyFactor = 4,
    };
    private static readonly RopeScaling Yarn =
        new() { Kind = RopeScalingKind.Yarn, Factor = 4, OriginalContext = 1024 };

    [Fact]
    public void Without_scaling_a_pair_turns_by_its_power_of_the_base() =>
        Equal(Enumerable.Range(0, Dim / 2).Select(p => 1 / Math.Pow(10000, 2.0 * p / Dim)), Frequencies(10000, null));

    [Fact]
    public void Linear_divides_every_frequency() =>
        Equal(Frequencies(10000, null).Select(f => f / 4), Frequencies(10000, Linear));

    // Llama 3.1: by wavelength, in three bands.
    [Theory]
    [InlineData(10000)]
    [InlineData(500000)]
    public void Llama3_keeps_short_waves_divides_long_ones_and_blends_between(double frequencyBase)
    {
        var bands = new int[3];
        var expected = Frequencies(frequencyBase, null).Select(f =>
        {
            var wavelength = 2 * Math.PI / f;
            if (wavelength < 512 / 4.0) { bands[0]++; return f; }
            if (wavelength > 512 / 1.0) { bands[2]++; return f / 8; }
            bands[1]++;
            var smooth = ((512 / wavelength) - 1) / (4 - 1);
            return ((1 - smooth) * f / 8) + (smooth * f);
        }).ToArray();
        Assert.All(bands, count => Assert.True(count > 0));
        Equal(expected, Frequencies(frequencyBase, Llama3));
    }

    // YaRN, arXiv 2309.00071, eq. 17–23, with Transformers' rounding of the ramp's ends.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Yarn_blends_along_a_ramp_of_pairs(bool truncate)
    {
        var scaling = Yarn with { FastTurns = 16, SlowTurns = 2, Truncate = truncate };
        var low = Dim * Math.Log(1024 / (16 * 2 * Math.PI)) / (2 * Math.Log(10000));
        var high = Dim * Math.Log(1024 / (2 * 2 * Math.PI)) / (2 * Math.Log(10000));
        if (truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        Assert.InRange(low, 1, high - 1);
        var expected = Frequencies(10000, null).Select((f, p) =>
        {
            var extrapolated = 1 - Math.Clamp((p - low) / (high - low), 0, 1);
            return (f / 4 * (1 - extrapolated)) + (f * extrapolated);
        });
        Equal(expected, Frequencies(10000, scaling));
    }

    [Fact]
    public void Yarn_with_a_ramp_of_no_length_steps()
    {
        // Both ends round to the first pair, which turns once in 2π tokens: all is divided but that pair.
        var frequencies = Frequencies(10000, Yarn with { OriginalContext = 6, FastTurns = 1, SlowTurns = 1 });
        Assert.Equal(1, frequencies[0]);
        Equal(Frequencies(10000, null).Skip(1).Select(f => f / 4), frequencies[1..]);
    }

    // Numbers from the formulas at 30 digits.
    [Fact]
    public void Golden_frequencies()
    {
        var llama = Frequencies(500000, new RopeScaling
        {
            Kind = RopeScalingKind.Llama3,
            Factor = 32,
            OriginalContext = 8192,
            LowFrequencyFactor = 1,
            HighFrequencyFactor = 4,
        });
        var yarn = Frequencies(1000000,
            new RopeScaling { Kind = RopeScalingKind.Yarn, Factor = 4, OriginalContext = 32768 });
        Equal([1.00000000000000000e+0, 1.65604400809944455e-2, 3.21144599475259102e-3, 1.29054792820926382e-3,
            4.29556796559368201e-4, 9.70828780262767226e-5, 1.94616381848311244e-5, 9.41830672543490984e-8],
            [llama[0], llama[10], llama[14], llama[15], llama[16], llama[17], llama[18], llama[31]]);
        Equal([1.00000000000000000e+0, 1.33352143216332403e-2, 1.77853027924624145e-3, 5.83333333333333333e-4,
            1.75706876428575937e-4, 4.44569852509730700e-5, 5.13381256614286519e-6, 3.84981631514872997e-7],
            [yarn[0], yarn[10], yarn[14], yarn[16], yarn[18], yarn[20], yarn[25], yarn[31]]);
    }

    public static TheoryData<RopeScaling?, double> Magnitudes => new()
    {
        { null, 1 },
        { Linear, 1 },
        { Llama3, 1 },
        { Yarn, (0.1 * Math.Log(4)) + 1 },
        { Yarn with { AttentionFactor = 1.5 }, 1.5 },
        { Yarn with { Factor = 1 }, 1 },
        { Yarn with { MagnitudeScale = 0.7, MagnitudeScaleAllDimensions = 1.4 },
            ((0.07 * Math.Log(4)) + 1) / ((0.14 * Math.Log(4)) + 1) },
    };

    [Theory]
    [MemberData(nameof(Magnitudes))]
    public void Cosines_and_sines_are_those_of_position_times_frequency_times_the_magnitude(RopeScaling? scaling,
        double magnitude)
    {
        using var scope = NewDisposeScope();
        using var rotary = new RotaryEmbedding(Dim, Context, 10000, ScalarType.Float64, CPU, scaling);
        var frequencies = Frequencies(10000, scaling);
        foreach (var (start, length) in new[] { (0, 3), (700, 5), (4090, 6), (2, 2) })
        {
            var (cos, sin) = rotary.Rows(start, length);
            Assert.Equal([length, Dim / 2], cos.shape);
            for (var n = 0; n < length; n++)
                for (var p = 0; p < Dim / 2; p += 5)
                {
                    Assert.Equal(magnitude * Math.Cos((start + n) * frequencies[p]), cos[n, p].item<double>(), 12);
                    Assert.Equal(magnitude * Math.Sin((start + n) * frequencies[p]), sin[n, p].item<double>(), 12);
                }
        }
    }

    [Fact]
    public void Tables_grow_and_old_rows_stay_what_they_were()
    {
        using var scope = NewDisposeScope();
        using var rotary = new RotaryEmbedding(Dim, 131072, 10000, ScalarType.Float32, CPU, null);
        var before = rotary.Rows(0, 10).Cos;
        var copy = before.clone();
        var positions = tensor(new long[] { 5, 131071 }).unsqueeze(0);
        var far = rotary.Rows(positions, 131072).Cos;
        Assert.Equal([1, 2, Dim / 2], far.shape);
        Assert.True(before.equal(copy).all().item<bool>());
        Assert.True(far[0, 0].equal(rotary.Rows(5, 1).Cos[0]).all().item<bool>());
        Assert.True(far[0, 1].equal(rotary.Rows(131071, 1).Cos[0]).all().item<bool>());
    }

    [Fact]
    public void No_tensor_is_left_behind() => TensorLeaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var rotary = new RotaryEmbedding(Dim, 5000, 10000, ScalarType.Float32, CPU, Yarn);
        _ = rotary.Rows(0, 400);
        _ = rotary.Rows(3000, 10);
    });

    public static TheoryData<RopeScaling, string> Wrong => new()
    {
        { Linear with { Factor = 0.5 }, "ropeScaling.factor (0.5) must be at least 1" },
        { Linear with { Factor = double.NaN }, "ropeScaling.factor (NaN) must be at least 1" },
        { Llama3 with { OriginalContext = 0 }, "ropeScaling.originalContext (0) must be at least 1" },
        { Llama3 with { HighFrequencyFactor = 1 },
            "ropeScaling.highFrequencyFactor (1) must be above lowFrequencyFactor (1)" },
        { Yarn with { FastTurns = 0.5 }, "ropeScaling.fastTurns (0.5) must be at least slowTurns (1)" },
        { Yarn with { AttentionFactor = -1 }, "ropeScaling.attentionFactor (-1) must be more than 0" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Numbers_that_do_not_fit_are_refused(RopeScaling scaling, string message) =>
        Assert.StartsWith(message, Assert.Throws<CrossheadException>(scaling.Validate).Message);

    private static double[] Frequencies(double frequencyBase, RopeScaling? scaling) =>
        RotaryFrequencies.Of(Dim, frequencyBase, scaling, Context);

    private static void Equal(IEnumerable<double> expected, double[] actual)
    {
        var wanted = expected.ToArray();
        Assert.Equal(wanted.Length, actual.Length);
        for (var p = 0; p < wanted.Length; p++) Assert.Equal(1, actual[p] / wanted[p], 12);
    }
}
