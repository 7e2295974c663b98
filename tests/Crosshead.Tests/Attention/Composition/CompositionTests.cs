using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Layers;
using static TorchSharp.torch;

namespace Crosshead.Tests.Attention.Composition;

/// <summary>The compositions alone: moving a mix from heads to projections, queries or sums changes nothing.</summary>
public sealed class CompositionTests
{
    private const int Groups = 3, HeadDim = 6, Heads = 6, Length = 5, Width = 7;

    [Theory]
    [InlineData(MixStart.Grouped)]
    [InlineData(MixStart.Identity)]
    [InlineData(MixStart.Normal)]
    public void Fine_mixes_start_as_a_mix_of_whole_heads(MixStart start)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Parameter Started(Func<ParameterScope, Parameter> create)
        {
            var parameters = new ParameterScope(ScalarType.Float32, CPU);
            var parameter = create(parameters);
            parameter.Initialize(new Generator(3));
            return parameter;
        }
        var heads = Started(p => new HeadComposition(p, "k_mix", 2, 4, HeadDim, start).Mix).Value;
        var keys = Started(p => new FrequencyComposition(p, 2, 4, HeadDim, start).Mix!).Value;
        var values = Started(p => new DenseComposition(p, 2 * HeadDim, 4, HeadDim, start).Mix).Value;
        // The last four numbers of each head's six are not rotated: their matrices have the factor on the diagonal.
        var rest = Started(p => new FrequencyComposition(p, 2, 4, HeadDim, start, rotated: 2).RestMix!).Value;
        Assert.Equal(0, keys.select(3, 1).abs().max().item<float>());
        Assert.Equal(0, (keys.select(3, 0) - heads.unsqueeze(2)).abs().max().item<float>());
        var whole = heads.view(2, 1, 4, 1) * eye(HeadDim).view(1, HeadDim, 1, HeadDim);
        Assert.Equal(0, (values - whole.flatten(0, 1)).abs().max().item<float>());
        Assert.Equal(0, (rest.view(2, 4, 4, 4) - (heads.view(2, 1, 4, 1) * eye(4).view(1, 4, 1, 4))).abs().max()
            .item<float>());
        if (start == MixStart.Grouped)
            Assert.Equal([1, 1, 0, 0, 0, 0, 1, 1], heads.data<float>().ToArray());
    }

    [Theory]
    [InlineData("frequency", 2)]
    [InlineData("frequency", 1)]
    [InlineData("partial", 2, 2)]
    [InlineData("partial", 1, 4)]
    [InlineData("partial", 2, 0)]
    [InlineData("partial", 1, 6)]
    [InlineData("head", 2)]
    public void Scores_of_queries_that_carry_the_mix_are_those_of_composed_keys(string grain, int count,
        int rotated = HeadDim)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var (keys, mixes) = Keys(grain, count, rotated);
        var (query, components) = (randn([1, Heads, Length, HeadDim], ScalarType.Float64),
            randn([Length, count * HeadDim], ScalarType.Float64));
        // Both are turned by their positions, as in a cache; composed heads are turned after composing.
        var turned = cat(
            [.. ReferenceAttention.Heads(components, HeadDim).Select(c => Rotate(c, rotated))], 1);
        var absorbed = GroupProduct.Of(query, keys.QueryMix(ScalarType.Float64).AsMatrices());          // [1,h,N,c·d]
        Assert.Equal([1, Heads, Length, count * HeadDim], absorbed.shape);
        var composed = Compose(grain, ReferenceAttention.Heads(components, HeadDim), mixes);
        for (var i = 0; i < Heads; i++)
        {
            var head = Rotate(composed[i / (Heads / Groups)], rotated);
            Assert.True(
                TensorLeaks.RelativeError(absorbed[0, i].matmul(turned.t()), query[0, i].matmul(head.t())) < 1e-12);
        }
    }

    [Theory]
    [InlineData("frequency", 2)]
    [InlineData("frequency", 3)]
    [InlineData("partial", 2, 2)]
    [InlineData("partial", 1, 0)]
    [InlineData("head", 5)]
    public void A_composed_projection_projects_to_composed_keys(string grain, int count, int rotated = HeadDim)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var (keys, mixes) = Keys(grain, count, rotated);
        var (x, weight) = (randn([Length, Width], ScalarType.Float64),
            randn([count * HeadDim, Width], ScalarType.Float64));
        var expected = cat(Compose(grain, ReferenceAttention.Heads(x.matmul(weight.t()), HeadDim), mixes), 1);
        Assert.True(TensorLeaks.RelativeError(x.matmul(keys.ComposeWeight(weight).t()), expected) < 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(18)]
    [InlineData(25)]
    public void Dense_values_may_be_composed_before_or_after_the_sum_over_tokens(int rank)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var parameters = new ParameterScope(ScalarType.Float64, CPU);
        var values = new DenseComposition(parameters, rank, Groups, HeadDim);
        var mix = Random(parameters);                                                        // [r,g,d]
        var (x, weight) = (randn([Length, Width], ScalarType.Float64), randn([rank, Width], ScalarType.Float64));
        var components = x.matmul(weight.t());                                               // [N,r]
        var heads = x.matmul(values.ComposeWeight(weight).t()).view(Length, Groups, HeadDim);
        var weights = rand([Heads, 2, Length], ScalarType.Float64);                          // of two queries a head
        // [1,h,2,d]
        var expanded = GroupProduct.Of(weights.matmul(components).unsqueeze(0), values.SumMix(ScalarType.Float64));
        for (var g = 0; g < Groups; g++)
        {
            var expected = zeros([Length, HeadDim], ScalarType.Float64);
            for (var r = 0; r < rank; r++)
                for (var j = 0; j < HeadDim; j++) expected[.., j] += components[.., r] * mix[r, g, j];
            Assert.True(TensorLeaks.RelativeError(heads[.., g], expected) < 1e-12);
            foreach (var i in new[] { 2 * g, (2 * g) + 1 })
                Assert.True(TensorLeaks.RelativeError(expanded[0, i], weights[i].matmul(expected)) < 1e-12);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float64, 1e-12)]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.BFloat16, 2e-2)]
    public void Key_factors_are_those_of_the_keys_norm(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var parameters = new ParameterScope(ScalarType.Float64, CPU);
        var norm = new RmsNorm(parameters["k_norm"], HeadDim, 1e-6);
        var gamma = Random(parameters);
        gamma[2] = 0;
        var keyFactors = new KeyFactors(norm, Groups, 1e-6, whole: false);
        var (x, weight, bias) = (randn([2, Length, Width], ScalarType.Float64),
            randn([Groups * HeadDim, Width], ScalarType.Float64), randn([Groups * HeadDim], ScalarType.Float64));
        HeadRows Rows(Tensor factor) =>
            new((weight * factor.repeat(Groups).unsqueeze(1)).to(type), (bias * factor.repeat(Groups)).to(type));

        // From γ ⊙ k back to k, with 0 where γ hides what k was.
        var present = gamma.ne(0).to(ScalarType.Float64);
        var back = keyFactors.WithoutNorm(Rows(gamma));
        Assert.True(TensorLeaks.RelativeError(back.Weight, Rows(present).Weight) < tolerance);
        Assert.True(TensorLeaks.RelativeError(back.Bias!, Rows(present).Bias!) < tolerance);

        var factors = keyFactors.Of(Rows(present).Apply(x.to(type)));                           // [B,g,N]
        Assert.Equal([2, Groups, Length], factors.shape);
        Assert.Equal(type, factors.dtype);
        var keys = (x.matmul((weight * present.repeat(Groups).unsqueeze(1)).t()) + (bias * present.repeat(Groups)))
            .view(2, Length, Groups, HeadDim);
        for (var g = 0; g < Groups; g++)
            Assert.True(TensorLeaks.RelativeError(factors[.., g],
                1 / (keys[.., .., g].pow(2).mean([2]) + 1e-6).sqrt()) < tolerance);
    }

    private static (IKeyComposition Keys, Dictionary<string, Tensor> Mixes) Keys(string grain, int count, int rotated)
    {
        var parameters = new ParameterScope(ScalarType.Float64, CPU);
        IKeyComposition keys = grain != "head"
            ? new FrequencyComposition(parameters, count, Groups, HeadDim, rotated: rotated)
            : new HeadComposition(parameters, "k_mix", count, Groups, HeadDim, MixStart.Normal);
        Random(parameters);
        return (keys, parameters.Parameters.ToDictionary(p => p.Name, p => p.Value.detach()));
    }

    // What is not rotated stands still: Rotate knows no width of 0.
    private static Tensor Rotate(Tensor head, int rotated) =>
        rotated == 0 ? head : ReferenceAttention.Rotate(head, 100, rotated);

    private static Tensor[] Compose(string grain, Tensor[] components, Dictionary<string, Tensor> mixes) => grain switch
    {
        "frequency" => ReferenceAttention.ComposeByFrequency(components, mixes["k_mix"]),
        "partial" => ReferenceAttention.ComposeByPart(components, mixes.GetValueOrDefault("k_mix"),
            mixes.GetValueOrDefault("k_rest_mix")),
        _ => ReferenceAttention.Compose(components, mixes["k_mix"]),
    };

    private static Tensor Random(ParameterScope parameters)
    {
        using var random = new Generator(31);
        foreach (var parameter in parameters.Parameters) parameter.Value.detach().normal_(0, 0.7, random);
        return parameters.Parameters[0].Value.detach();
    }
}
