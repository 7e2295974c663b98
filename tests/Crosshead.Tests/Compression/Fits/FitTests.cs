using Crosshead.Attention.Composition;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Model;
using Crosshead.Tests.Attention;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression.Fits;

/// <summary>
/// The fits against what they must minimise, with residuals taken over the text token by token and head by head.
/// </summary>
public sealed class FitTests
{
    private const double Tolerance = 1e-8;

    public static TheoryData<string> Names => SmallModels.Names;

    [Theory, MemberData(nameof(Names))]
    public void Svd_is_the_nearest_of_its_rank_in_the_sum_of_squares(string name) => Run(name, (fit, hand, layer) =>
    {
        foreach (var keys in new[] { true, false })
        {
            var maps = hand.Maps(layer, keys);                                                     // [g,d·(D+1)]
            var squares = linalg.svdvals(maps).pow(2).data<double>().ToArray();
            for (var c = 1; c <= Groups; c++)
            {
                var (weight, bias, mix) = keys ? Parts(fit.Keys(CompressionMethod.Svd, c))
                    : Parts(fit.Values(CompressionMethod.Svd, c * HeadDim));
                var components = cat([weight, (bias ?? zeros(c * HeadDim, ScalarType.Float64)).unsqueeze(1)], 1)
                    .view(c, -1);
                var residual = (mix.t().matmul(components) - maps).pow(2).sum().item<double>();
                Near(squares[c..].Sum(), residual, squares.Sum());
            }
        }
    });

    [Theory, MemberData(nameof(Names))]
    public void Frequencies_leave_the_dropped_eigenvalues_of_the_weighted_keys(string name) =>
        Run(name, (fit, hand, layer) =>
        {
            var (keys, weights) = (hand.AllKeys(layer), hand.KeyWeights(layer));
            for (var c = 1; c <= Groups; c++)
            {
                var composed = Compose(fit.Keys(CompressionMethod.Fine, c), hand.Input(layer));        // [T,g,d]
                for (var p = 0; p < hand.RotatedPairs(layer); p++)
                {
                    var z = HandProjections.Complex(keys, p) * weights[p];
                    var squares = linalg.svdvals(z).pow(2).data<double>().ToArray();
                    var residual = ((HandProjections.Complex(composed, p) * weights[p]) - z).abs().pow(2).sum()
                        .item<double>();
                    Near(squares[c..].Sum(), residual, squares.Sum());
                }
            }
        });

    public static TheoryData<string> RotatedInPart =>
        ["heads rotated in part, biases", "compressed, rotated in part, query-key norm", "biases", "query-key norm"];

    [Theory, MemberData(nameof(RotatedInPart))]
    public void What_is_not_rotated_leaves_the_dropped_eigenvalues_in_the_metric_of_the_queries(string name) =>
        Run(name, (fit, hand, layer) =>
        {
            if (hand.Unrotated(layer).Length == 0) return;
            var (keys, metric) = (hand.AllKeys(layer), hand.RestMetric(layer));
            var rest = hand.Rest(layer, keys);                                                     // [T,g·u], A
            var squares = linalg.eigvals(rest.t().matmul(rest).matmul(metric)).real.data<double>().ToArray()
                .OrderDescending().ToArray();
            for (var c = 1; c <= Groups; c++)
            {
                var fitted = fit.Keys(CompressionMethod.Fine, c);
                Assert.Equal(KeyGrain.Partial, fitted.Grain);
                var error = hand.Rest(layer, Compose(fitted, hand.Input(layer))) - rest;
                Near(squares[(c * hand.Unrotated(layer).Length)..].Sum(),
                    (error.matmul(metric) * error).sum().item<double>(), squares.Sum());
            }
        }, Unrotated);

    [Theory, MemberData(nameof(RotatedInPart))]
    public void Matrices_of_what_is_not_rotated_err_less_than_numbers_a_frequency(string name) =>
        Run(name, (_, hand, layer) =>
        {
            if (hand.Unrotated(layer).Length == 0) return;
            using var model = SmallModels.Create(name, change: Unrotated);
            using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
            var (heads, statistics) = (PlainHeads.Of(CompressedLayer.Source(model, layer)),
                (HeadStatistics)calibration[layer]);
            var (x, keys, metric) = (hand.Input(layer), hand.AllKeys(layer), hand.RestMetric(layer));
            for (var c = 1; c < Groups; c++)
            {
                double Error(RotatedPart part)
                {
                    var error = hand.Rest(layer, Compose(KeyFit.Fine(heads, statistics, c, part), x) - keys);
                    return (error.matmul(metric) * error).sum().item<double>();
                }
                var (fine, frequencies) = (Error(statistics.Part), Error(new RotatedPart(HeadDim, HeadDim)));
                Assert.InRange(fine, 0, 0.9 * frequencies);
                TestContext.Current.TestOutputHelper?.WriteLine($"{c} of {Groups}: {fine / frequencies:0.000}");
            }
        }, Unrotated);

    [Theory, MemberData(nameof(Names))]
    public void Dense_values_leave_the_dropped_eigenvalues_in_the_metric_of_the_output(string name) =>
        Run(name, (fit, hand, layer) =>
        {
            var (values, metric) = (hand.AllValues(layer).flatten(1), hand.ValueMetric(layer));        // [T,g·d], A
            // A^½ M A^½ has the eigenvalues of M A, which needs no root.
            var squares = linalg.eigvals(values.t().matmul(values).matmul(metric)).real.data<double>().ToArray()
                .OrderDescending().ToArray();
            foreach (var rank in new[] { 1, 4, 7, 11, Groups * HeadDim })
            {
                var error = Compose(fit.Values(CompressionMethod.Fine, rank), hand.Input(layer)).flatten(1) - values;
                Near(squares[rank..].Sum(), (error.matmul(metric) * error).sum().item<double>(), squares.Sum());
            }
        });

    [Theory, MemberData(nameof(Names))]
    public void As_many_components_as_heads_reproduce_the_heads(string name) => Run(name, (fit, hand, layer) =>
    {
        var (x, keys, values) = (hand.Input(layer), hand.AllKeys(layer), hand.AllValues(layer));
        foreach (var method in Enum.GetValues<CompressionMethod>())
        {
            Assert.True(TensorLeaks.RelativeError(Compose(fit.Keys(method, Groups), x), keys) < 1e-9);
            Assert.True(TensorLeaks.RelativeError(Compose(fit.Values(method, Groups * HeadDim), x), values) < 1e-9);
        }
    });

    [Fact]
    public void No_other_frequency_components_of_the_same_number_do_better() => Run("biases", (fit, hand, layer) =>
    {
        var (keys, weights) = (hand.AllKeys(layer), hand.KeyWeights(layer));
        var composed = Compose(fit.Keys(CompressionMethod.Fine, 2), hand.Input(layer));
        using var random = new Generator(5);
        for (var p = 0; p < HeadDim / 2; p++)
        {
            var z = HandProjections.Complex(keys, p) * weights[p];                                 // [T,g]
            var best = ((HandProjections.Complex(composed, p) * weights[p]) - z).abs().pow(2).sum().item<double>();
            var (_, _, vh) = linalg.svd(z, fullMatrices: false);
            foreach (var noise in Noises)
            {
                Tensor Normal() => empty(Groups, 2, dtype: ScalarType.Float64).normal_(0, noise, random);
                var (q, _) = linalg.qr(
                    vh.narrow(0, 0, 2).transpose(0, 1).conj().resolve_conj() + complex(Normal(), Normal()));
                var other = (z.matmul(q).matmul(q.transpose(0, 1).conj().resolve_conj()) - z).abs().pow(2).sum()
                    .item<double>();
                Assert.True(other >= best * (1 - Tolerance), $"{other} with noise {noise}, {best} of the fit");
            }
        }
    });

    [Fact]
    public void No_other_value_components_of_the_same_rank_do_better() => Run("biases", (fit, hand, layer) =>
    {
        const int rank = 6;
        var (values, metric) = (hand.AllValues(layer).flatten(1), hand.ValueMetric(layer));
        double Residual(Tensor other) => ((other - values).matmul(metric) * (other - values)).sum().item<double>();
        var fitted = fit.Values(CompressionMethod.Fine, rank);
        var best = Residual(Compose(fitted, hand.Input(layer)).flatten(1));
        using var random = new Generator(6);
        var decode = fitted.Mix.view(rank, -1);                                                    // [r,g·d]
        foreach (var noise in Noises)
        {
            // Any other rows to decode with, and for them the best components of each token.
            var rows = decode + (empty_like(decode).normal_(0, noise, random) * decode.std());
            var components = linalg.solve(rows.matmul(metric).matmul(rows.t()), rows.matmul(metric).matmul(values.t()));
            var other = Residual(components.t().matmul(rows));
            Assert.True(other >= best * (1 - Tolerance), $"{other} with noise {noise}, {best} of the fit");
        }
    });

    [Fact]
    public void Fits_leave_no_tensor_behind() =>
        TensorLeaks.None(() => Run("window, biases, query-key norm", (fit, _, _) =>
        {
            fit.Of(new LayerPlan(CompressionMethod.Svd, 2, 8));
            fit.Of(new LayerPlan(CompressionMethod.Fine, 2, 7));
        }));

    private static IEnumerable<double> Noises => Enumerable.Range(0, 40).Select(i => Math.Pow(10, -3 + (i % 5)));

    private static int Groups => 4;

    private static int HeadDim => 4;

    // The last layer does not rotate, where the others rotate all of each head.
    private static ModelOptions Unrotated(ModelOptions options) =>
        options.RotaryDims is null ? options with { UnrotatedLayers = [options.Layers - 1] } : options;

    private static void Run(string name, Action<IPieceFit, HandProjections, int> check,
        Func<ModelOptions, ModelOptions>? change = null)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create(name, change: change);
        Assert.Equal((Groups, HeadDim), (model.Options.Attention.Groups, model.Options.HeadDim));
        var text = SmallModels.Text();
        using var calibration = Calibration.Run(model, text, 5);
        var hand = new HandProjections(model, text);
        for (var layer = 0; layer < model.Options.Layers; layer++)
            check(PieceFit.Of(model, layer, calibration), hand, layer);
    }

    private static void Near(double expected, double actual, double whole) =>
        Assert.Equal(expected, actual, Tolerance * whole);

    private static (Tensor, Tensor?, Tensor) Parts(FittedKeys keys) => (keys.Weight, keys.Bias, keys.Mix!);

    private static (Tensor, Tensor?, Tensor) Parts(FittedValues values) => (values.Weight, values.Bias, values.Mix);

    private static Tensor Project(Tensor x, Tensor weight, Tensor? bias) =>
        x.matmul(weight.t()) + (bias ?? zeros(1, ScalarType.Float64));

    private static Tensor Compose(FittedKeys keys, Tensor x)
    {
        var components = ReferenceAttention.Heads(Project(x, keys.Weight, keys.Bias), HeadDim);
        return stack(keys.Mix?.dim() == 2 ? ReferenceAttention.Compose(components, keys.Mix)
            : ReferenceAttention.ComposeByPart(components, keys.Mix, keys.RestMix), 1);
    }

    private static Tensor Compose(FittedValues values, Tensor x)
    {
        var components = Project(x, values.Weight, values.Bias);
        return values.Mix.dim() == 2
            ? stack(ReferenceAttention.Compose(ReferenceAttention.Heads(components, HeadDim), values.Mix), 1)
            : stack([.. Enumerable.Range(0, Groups).Select(g => components.matmul(values.Mix[.., g]))], 1);
    }
}
