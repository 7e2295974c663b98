using System.Collections.Concurrent;
using System.Globalization;
using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Tests.Architecture;
using Crosshead.Tests.Kernels;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Runs;

/// <summary>
/// Two hundred steps of training through the fused kernels against the same steps through libtorch's plain operators in
/// float64, which the fused kernels leave alone.
/// </summary>
public sealed class LossCurveTests
{
    private const int Steps = 200, Batch = 8, Length = 32, Vocabulary = 64;

    private static readonly ConcurrentDictionary<AttentionVariant, Lazy<double[]>> PlainCurves = new();

    public static TheoryData<AttentionVariant> Variants =>
        [AttentionVariant.Gqa, AttentionVariant.Mea, AttentionVariant.Differential];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Fused_and_plain_training_agree(AttentionVariant variant)
    {
        var plain = Plain(variant);
        Assert.True(plain[^1] < plain[0] - 1, $"nothing was learned: {plain[0]:F3} to {plain[^1]:F3} nats");
        foreach (var device in KernelCheck.Devices)
        {
            Assert.InRange(Farthest(plain, Curve(variant, ScalarType.Float32, device)), 0, 1e-4);
            Assert.InRange(Farthest(plain, Curve(variant, ScalarType.BFloat16, device)), 0, 0.03);
        }
    }

    [Fact]
    public void The_plain_curves_are_those_accepted_earlier() =>
        Snapshot.Match("loss-curves.txt", string.Concat(Variants.Select(v =>
        {
            return $"{v.Data}: {string.Join(' ', Plain(v).Where((_, step) => step % 20 == 19)
                .Select(loss => loss.ToString("F4", CultureInfo.InvariantCulture)))}\n";
        })));

    private static double[] Plain(AttentionVariant variant) =>
        PlainCurves.GetOrAdd(variant, v => new(() => Curve(v, ScalarType.Float64, CPU))).Value;

    private static double Farthest(double[] expected, double[] actual) =>
        expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max();

    private static double[] Curve(AttentionVariant variant, ScalarType type, Device device)
    {
        using var model = new LanguageModel(new()
        {
            VocabularySize = Vocabulary,
            HiddenSize = 64,
            Layers = 2,
            Context = Length,
            Attention = new() { Variant = variant, Heads = 4, KeyValueHeads = 2 },
        }, type, device);
        model.Initialize(7);
        var training = new TrainingOptions();
        using var optimizer = new AdamW(ParameterGroup.Split(model.Parameters, training), training.Beta1,
            training.Beta2, training.Epsilon);
        var step = new TrainingStep(model, optimizer, training.Clip);
        var random = new Random(11);
        return [.. Enumerable.Range(0, Steps).Select(_ => step.Run([Text(random, device)], 1e-3).Loss)];
    }

    // Each token follows from the one before it, one time in eight from none.
    private static TokenBatch Text(Random random, Device device)
    {
        var ids = new long[Batch, Length + 1];
        for (var b = 0; b < Batch; b++)
            for (var n = 0; n <= Length; n++)
                ids[b, n] = n < 1 || random.Next(8) == 0 ? random.Next(Vocabulary)
                    : ((5 * ids[b, n - 1]) + 3) % Vocabulary;
        using var scope = NewDisposeScope();
        var all = tensor(ids).to(device);
        return new TokenBatch(
            all.narrow(1, 0, Length).contiguous().DetachFromDisposeScope(),
            all.narrow(1, 1, Length).contiguous().DetachFromDisposeScope());
    }
}
