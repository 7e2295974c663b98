using Crosshead.Attention.Composition;
using Crosshead.Kernels.Experts;
using Crosshead.Kernels.Products;
using Crosshead.Layers;
using Crosshead.Tests.Kernels.WeightProducts;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Products;

/// <summary>Products with a few tokens, and experts of a few tokens, against the plain formula in float64.</summary>
public sealed class SkinnyMatMulTests
{
    private static readonly bool s_cuda = cuda_is_available();

    [Theory]
    [InlineData(1, 2048, 2048, false)]
    [InlineData(8, 2048, 3072, true)]
    [InlineData(3, 8192, 2048, false)]
    [InlineData(5, 200, 37, true)]
    [InlineData(2, 8, 5000, false)]
    public void Equals_the_product_in_float64(int tokens, int inputs, int outputs, bool biased)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        var (x, weight, bias) = (Random(tokens, 1, inputs), Random(2 * outputs, inputs),
            biased ? Random(2 * outputs) : null);
        Assert.True(SkinnyMatMul.Supports(x, weight, bias));
        var expected = nn.functional.linear(Wide(x)!, Wide(weight)!, Wide(bias));
        Close(SkinnyMatMul.Apply(x, weight, bias), expected);
        var plain = nn.functional.linear(Wide(x)!, Wide(weight)!);
        Assert.InRange(
            (SkinnyMatMul.ApplyWide(x, weight) - plain).norm().item<double>() / plain.norm().item<double>(), 0, 1e-5);
        var halves = expected.chunk(2, -1);
        Close(SkinnyMatMul.ApplyGated(x, weight, bias), nn.functional.silu(halves[0]) * halves[1]);
        Assert.False(SkinnyMatMul.Supports(Random(9, inputs), weight, bias));
        Assert.False(SkinnyMatMul.Supports(x.to(ScalarType.Float32), weight, bias));
    }

    [Theory]
    [InlineData(1, 32, 4, 128, 256)]
    [InlineData(16, 32, 4, 256, 128)]
    [InlineData(3, 4, 4, 40, 37)]
    public void A_matrix_a_group_of_heads_equals_the_product_in_float64(int batch, int heads, int groups,
        int inputs, int outputs)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        var (x, weight) = (Random(batch, heads, 1, inputs), Random(groups, outputs, inputs));
        var expected = Wide(x)!.matmul(Wide(weight)!.transpose(1, 2).repeat_interleave(heads / groups, 0));
        Close(SkinnyMatMul.ApplyGroups(x, weight), expected);
        Close(GroupProduct.Of(x, weight.transpose(1, 2)), expected);
    }

    [Theory]
    [InlineData(1, 128, 8, 768)]
    [InlineData(1, 20, 5, 200)]
    [InlineData(2, 16, 16, 40)]
    [InlineData(64, 128, 8, 96)]
    [InlineData(50, 3, 2, 64)]
    [InlineData(7, 16, 16, 40)]
    public void Experts_equal_the_plain_layer(int tokens, int experts, int perToken, int inner)
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        foreach (var renormalize in new[] { true, false })
        {
            var parameters = new ParameterScope(ScalarType.BFloat16, CUDA);
            using var layer = new MixtureOfExperts(parameters, 256, new ExpertOptions
            {
                Count = experts,
                PerToken = perToken,
                InnerSize = inner,
                Renormalize = renormalize,
            }, 0.1, 0.1);
            using var random = new TorchSharp.torch.Generator(4);
            foreach (var parameter in parameters.Parameters) parameter.Initialize(random);
            var x = Random(tokens, 1, 256);
            var plain = Reference(layer, x.view(tokens, 256), perToken, renormalize).view(tokens, 1, 256);
            layer.Fold();
            Close(layer.Forward(x), plain);
            foreach (var parameter in parameters.Parameters) parameter.Dispose();
        }
    }

    [Fact]
    public void Experts_of_one_token_are_those_of_many()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var parameters = new ParameterScope(ScalarType.BFloat16, CUDA);
        using var layer = new MixtureOfExperts(parameters, 256, new ExpertOptions
        {
            Count = 96,
            PerToken = 8,
            InnerSize = 72,
            Scoring = ExpertScoring.Sigmoid,
            ChoiceBias = true,
            Groups = 8,
            GroupsPerToken = 3,
            WeightFactor = 2.5,
        }, 0.1, 0.1);
        using var random = new TorchSharp.torch.Generator(4);
        foreach (var parameter in parameters.Parameters) parameter.Initialize(random);
        layer.ChoiceBias!.Value.normal_(0, 0.3);
        layer.Fold();
        var x = Random(5, 1, 256);
        var many = layer.Forward(x);
        for (var token = 0; token < 5; token++)
            Close(layer.Forward(x.narrow(0, token, 1)), Wide(many.narrow(0, token, 1))!);
        foreach (var parameter in parameters.Parameters) parameter.Dispose();
    }

    [Fact]
    public void Routes_hold_every_place_once_by_expert_and_equals_go_to_the_lowest()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        using var scope = NewDisposeScope();
        var routes = ExpertRoutes.Of(new ExpertChoice(
            tensor(new float[] { 1, 3, 3, 0, /**/ 5, 5, 5, 5 }, [2, 4], device: CUDA), new RoutingRule(2)));
        Assert.Equal([1, 2, 0, 1], PackedMatrixTests.ExpertsOf(routes));
        Assert.Equal([0, 1, 2, -1], routes.Chosen.cpu().data<int>().ToArray());
        Assert.Equal([0, 1, 3, 4], routes.Starts.cpu().data<int>().ToArray()[..4]);
        Assert.Equal([2, 0, 3, 1], routes.Order.cpu().data<int>().ToArray());
        foreach (var weight in routes.Weights.cpu().data<float>().ToArray()) Assert.Equal(0.5f, weight, 1e-6f);
    }

    [Fact]
    public void Routes_are_the_experts_and_weights_that_the_host_finds()
    {
        Assert.SkipUnless(s_cuda, "there is no CUDA device");
        foreach (var options in new[]
        {
            new ExpertOptions { Count = 24, PerToken = 5, RouterBias = true },
            new ExpertOptions { Count = 24, PerToken = 5, Scoring = ExpertScoring.Sigmoid, ChoiceBias = true },
            new ExpertOptions { Count = 24, PerToken = 5, Groups = 4, GroupsPerToken = 2, Renormalize = false },
            new ExpertOptions
            {
                Count = 96,
                PerToken = 8,
                Scoring = ExpertScoring.Sigmoid,
                ChoiceBias = true,
                Groups = 8,
                GroupsPerToken = 3,
                WeightFactor = 2.5,
            },
        })
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            var parameters = new ParameterScope(ScalarType.BFloat16, CUDA);
            var router = new ExpertRouter(parameters["gate"], 64, options, 0.5);
            foreach (var parameter in parameters.Parameters) parameter.Value.normal_(0, 0.3);
            var x = Random(16, 64);
            var (weights, chosen) = router.Route(x);
            var routes = ExpertRoutes.Of(router.ChoiceOf(x)!);
            Assert.Equal(chosen.reshape(-1).cpu().data<long>().ToArray().Select(e => (int)e),
                PackedMatrixTests.ExpertsOf(routes));
            Close(routes.Weights, Wide(weights)!);
            foreach (var parameter in parameters.Parameters) parameter.Dispose();
        }
    }

    private static Tensor Reference(MixtureOfExperts layer, Tensor x, int perToken, bool renormalize)
    {
        var (weights, chosen) = nn.functional.linear(x.to(ScalarType.Float32),
            layer.Router.Weight.Value.to(ScalarType.Float32)).softmax(-1).topk(perToken, dim: -1);
        if (renormalize) weights = weights / weights.sum(-1, keepdim: true);
        var sum = zeros(x.shape, ScalarType.Float64, CUDA);
        for (var e = 0; e < layer.Experts.Count; e++)
        {
            var expert = layer.Experts[e];
            Tensor Of(Linear linear, Tensor input) => nn.functional.linear(input, Wide(linear.Weight.Value)!);
            var share = (weights * chosen.eq(e).to(ScalarType.Float32)).sum(-1, keepdim: true).to(ScalarType.Float64);
            sum += share * Of(expert.Down, nn.functional.silu(Of(expert.Gate, Wide(x)!)) * Of(expert.Up, Wide(x)!));
        }
        return sum;
    }

    private static Tensor Random(params long[] shape) => (randn(shape, device: CUDA) * 0.5).to(ScalarType.BFloat16);

    private static Tensor? Wide(Tensor? x) => x?.to(ScalarType.Float64);

    private static void Close(Tensor actual, Tensor expected)
    {
        Assert.Equal(expected.shape, actual.shape);
        var error = ((actual.to(ScalarType.Float64) - expected).norm() / expected.norm()).item<double>();
        Assert.True(error < 4e-3, $"relative error {error:e2}"); // rounding the output alone costs 1.7e-3
    }
}
