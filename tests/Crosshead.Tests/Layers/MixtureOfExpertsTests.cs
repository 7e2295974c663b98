using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Layers;

/// <summary>The mixture against a loop over tokens and their experts.</summary>
public sealed class MixtureOfExpertsTests
{
    private const int Width = 6;

    private static readonly ExpertOptions Options = new() { Count = 5, PerToken = 2, InnerSize = 7 };

    public static TheoryData<ExpertOptions, long, long> Cases => new()
    {
        { Options, 3, 4 },
        { Options with { Renormalize = false }, 3, 4 },
        { Options with { PerToken = 1 }, 1, 1 },
        { Options with { PerToken = 5 }, 2, 3 },
        { Options with { Count = 40, PerToken = 3 }, 1, 2 },
        { Options, 2, 70 },
        { Options with { Scoring = ExpertScoring.Sigmoid, WeightFactor = 2.5 }, 3, 4 },
        { Options with { ChoiceBias = true, Shared = 2 }, 3, 4 },
        { Options with { RouterBias = true, Bias = true, SwiGluLimit = 0.4 }, 3, 4 },
        { Grouped, 3, 20 },
        { Grouped with { Scoring = ExpertScoring.Softmax, ChoiceBias = false, Renormalize = false }, 3, 20 },
    };

    // As in DeepSeek V3. Some biases are so large that the best experts are not in the best groups.
    private static ExpertOptions Grouped => new()
    {
        Count = 12,
        PerToken = 3,
        InnerSize = 7,
        Scoring = ExpertScoring.Sigmoid,
        ChoiceBias = true,
        Groups = 4,
        GroupsPerToken = 2,
        WeightFactor = 2.5,
        Shared = 1,
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Outputs_and_gradients_equal_those_of_a_loop_over_tokens(ExpertOptions options, long batch, long count)
    {
        using var scope = NewDisposeScope();
        var (mixture, parameters) = Create(options, ScalarType.Float64);
        var x = randn([batch, count, Width], ScalarType.Float64, requires_grad: true);
        var probe = randn([batch, count, Width], ScalarType.Float64);

        var output = mixture.Forward(x);
        output.backward([probe]);
        var gradients = parameters.Append(null).Select(p => (p?.Value ?? x).grad?.clone()).ToArray();
        foreach (var leaf in parameters.Select(p => p.Value).Append(x)) leaf.grad = null;

        var expected = Loop(mixture, options, x);
        expected.backward([probe]);
        Assert.InRange(TensorLeaks.RelativeError(output, expected), 0, 1e-12);
        foreach (var (gradient, leaf) in gradients.Zip(parameters.Select(p => p.Value).Append(x)))
        {
            // An expert that no token chose has no gradient, neither here nor there.
            Assert.Equal(leaf.grad is null, gradient is null);
            if (gradient is null) continue;
            // At least 1e-6: the router of one renormalised expert has a gradient of 0, up to rounding.
            var size = Math.Max(1e-6, leaf.grad!.abs().max().item<double>());
            Assert.InRange((gradient - leaf.grad!).abs().max().item<double>() / size, 0, 1e-9);
        }
        Assert.NotNull(gradients[0]); // the router learns
        foreach (var parameter in parameters) parameter.Dispose();
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.BFloat16, 0.03)]
    public void Lower_precisions_are_close_to_the_loop_in_float64(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var (mixture, parameters) = Create(Options, ScalarType.Float64);
        var x = randn([4, 50, Width], ScalarType.Float64).to(type).to(ScalarType.Float64);
        foreach (var parameter in parameters) parameter.Value.copy_(parameter.Value.to(type));
        var expected = Loop(mixture, Options, x);
        Assert.InRange(TensorLeaks.RelativeError(mixture.Forward(x.to(type)), expected), 0, tolerance);
        foreach (var parameter in parameters) parameter.Dispose();
    }

    [Fact]
    public void Experts_that_no_token_chose_are_not_computed()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var (mixture, parameters) = Create(Options with { PerToken = 1 }, ScalarType.Float64);
        using var one = randn([1, 1, Width], ScalarType.Float64);
        var chosen = mixture.Router.Forward(one).argmax(-1).item<long>();
        // Not a number times zero is not a number: it would show.
        foreach (var (expert, i) in mixture.Experts.Select((e, i) => (e, i)).Where(e => e.i != chosen))
            expert.Down.Weight.Value.fill_(double.NaN);
        Assert.True(mixture.Forward(one).isfinite().all().item<bool>());
        foreach (var parameter in parameters) parameter.Dispose();
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var (mixture, parameters) = Create(Options, ScalarType.Float32);
        TensorLeaks.None(() =>
        {
            using var scope = NewDisposeScope();
            mixture.Forward(randn(2, 40, Width)).sum().backward();
            foreach (var parameter in parameters) parameter.Value.grad = null;
        });
        foreach (var parameter in parameters) parameter.Dispose();
    }

    [Theory]
    [InlineData(4, 5, 1, "experts.perToken (5) is more than experts.count (4); use at most 4.")]
    [InlineData(0, 1, 1, "experts.count (0) must be at least 1 and at most 65536.")]
    [InlineData(4, 0, 1, "experts.perToken (0) must be at least 1.")]
    [InlineData(4, 1, 0, "experts.step (0) must be at least 1.")]
    public void Numbers_that_do_not_fit_are_refused(int count, int perToken, int step, string message) =>
        Assert.Equal(message, Assert.Throws<CrossheadException>(
            new ExpertOptions { Count = count, PerToken = perToken, Step = step }.Validate).Message);

    [Theory]
    [InlineData(3, 1, "experts.count (8) must be a multiple of experts.groups (3).")]
    [InlineData(2, 3, "experts.groupsPerToken (3) is more than experts.groups (2); use at most 2.")]
    [InlineData(4, 1, "experts.perToken (3) is more than the 2 experts of 1 groups (experts.groupsPerToken); use at "
        + "most 2.")]
    [InlineData(8, 3, "experts.groups (8) have one expert each; a group needs at least two, because its two best "
        + "experts say how good it is.")]
    public void Groups_that_do_not_fit_are_refused(int groups, int perToken, string message) =>
        Assert.Equal(message, Assert.Throws<CrossheadException>(new ExpertOptions
        {
            Count = 8,
            PerToken = 3,
            Groups = groups,
            GroupsPerToken = perToken,
        }.Validate).Message);

    [Fact]
    public void Sparse_are_every_so_many_layers_but_those_named_dense()
    {
        var options = new ExpertOptions { Step = 2, DenseLayers = [3, 4] };
        Assert.Equal([1, 5, 7], Enumerable.Range(0, 8).Where(options.IsSparse));
    }

    private static (MixtureOfExperts Mixture, IReadOnlyList<Parameter> Parameters) Create(ExpertOptions options,
        ScalarType type)
    {
        var scope = new ParameterScope(type, CPU);
        var mixture = new MixtureOfExperts(scope["mlp"], Width, options, 0.5, 0.5);
        using var generator = new Generator(5);
        foreach (var parameter in scope.Parameters) parameter.Initialize(generator);
        using var grad = no_grad();
        foreach (var bias in scope.Parameters.Where(p => p.Kind == ParameterKind.Bias))
            bias.Value.normal_(0, 0.5, generator); // they start at 0
        return (mixture, scope.Parameters);
    }

    private static Tensor Loop(MixtureOfExperts mixture, ExpertOptions options, Tensor x)
    {
        var outputs = new List<Tensor>();
        foreach (var token in x.reshape(-1, Width).unbind(0))
        {
            var logits = mixture.Router.Forward(token);
            var weights = options.Scoring == ExpertScoring.Sigmoid ? logits.sigmoid() : logits.softmax(0);
            var rated = (mixture.ChoiceBias is { } bias ? weights + bias.Value : weights).data<double>().ToArray();
            var size = options.Count / options.Groups;
            var groups = Enumerable.Range(0, options.Groups).OrderByDescending(
                g => rated[(g * size)..((g + 1) * size)].OrderDescending().Take(2).Sum()).Take(options.GroupsPerToken);
            var chosen = groups.SelectMany(g => Enumerable.Range(g * size, size)).OrderByDescending(e => rated[e])
                .Take(options.PerToken).ToArray();
            var sum = chosen.Select(e => weights[e]).Aggregate((a, b) => a + b);
            Tensor Output(FeedForward layer, double? limit)
            {
                var (gate, up) = (layer.Gate.Forward(token), layer.Up.Forward(token));
                if (limit is { } most)
                {
                    var g = minimum(gate, full_like(gate, most));
                    return layer.Down.Forward((up.clamp(-most, most) + 1) * g / (1 + (-1.702f * g).exp()));
                }
                return layer.Down.Forward(gate / (1 + (-gate).exp()) * up);
            }
            var routed = chosen.Select(e => (options.Renormalize ? weights[e] / sum : weights[e])
                * options.WeightFactor * Output(mixture.Experts[e], options.SwiGluLimit)).Aggregate((a, b) => a + b);
            outputs.Add(mixture.Shared is { } shared ? routed + Output(shared, null) : routed);
        }
        return stack(outputs).view(x.shape);
    }
}
