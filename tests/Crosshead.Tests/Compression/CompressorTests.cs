using Crosshead.Checkpoints;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Tests.Compression.Fits;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression;

public sealed class CompressorTests
{
    private static readonly Dictionary<string, CompressionPlan> Plans = new()
    {
        ["svd 2/2"] = Uniform(new(CompressionMethod.Svd, 2, 8)),
        ["svd 3/whole"] = Uniform(new(CompressionMethod.Svd, 3, null)),
        ["svd whole/1"] = Uniform(new(CompressionMethod.Svd, null, 4)),
        ["fine 2/7"] = Uniform(new(CompressionMethod.Fine, 2, 7)),
        ["fine 1/whole"] = Uniform(new(CompressionMethod.Fine, 1, null)),
        ["fine whole/12"] = Uniform(new(CompressionMethod.Fine, null, 12)),
        ["mixed"] = new([new(CompressionMethod.Svd, 3, 4), new(CompressionMethod.Fine, 3, 1)], null),
        ["second layer alone"] = new([null, new(CompressionMethod.Fine, 2, 5)], null),
    };

    public static TheoryData<string> Names => SmallModels.Names;

    public static MatrixTheoryData<string, string> Cases => new(SmallModels.Names.Select(n => n.Data), Plans.Keys);

    [Theory, MemberData(nameof(Cases))]
    public void Logits_are_those_of_the_model_with_projected_heads(string name, string plan)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create(name);
        var text = SmallModels.Text();
        using var calibration = Calibration.Run(model, text, 5);
        var before = SmallModels.Copy(model);
        var ids = tensor(SmallModels.Ids(12, seed: 8).Select(i => (long)i).ToArray());
        var expected = new HandProjections(model, text).Decoder(Plans[plan]).Logits(ids);

        using var compressed = Compressor.Compress(model, Plans[plan], calibration);
        Assert.True(TensorLeaks.RelativeError(compressed.Logits(ids.unsqueeze(0))[0], expected) < 1e-7);
        Assert.True(Compressor.SelfCheck(compressed, ids.unsqueeze(0)) < 1e-9);

        foreach (var parameter in model.Parameters)
            Assert.True(SmallModels.Same(parameter.Value, before[parameter.Name]),
                $"{parameter.Name} of the original has changed");
        var layers = Plans[plan].Layers;
        foreach (var parameter in compressed.Parameters.Where(p => !layers.Index().Any(l => l.Item is not null
            && p.Name.StartsWith($"model.layers.{l.Index}.self_attn.", StringComparison.Ordinal))))
            Assert.True(SmallModels.Same(parameter.Value, before[parameter.Name]),
                $"{parameter.Name} is no part of the plan");
    }

    [Theory, MemberData(nameof(Names))]
    public void The_cache_keeps_what_the_plan_says(string name)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create(name, type: ScalarType.Float32);
        using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
        foreach (var (c, r) in new[] { (1, 4), (2, 8), (3, 5) })
        {
            using var compressed = Compressor.Compress(model, Uniform(new(CompressionMethod.Fine, c, r)), calibration);
            // One factor a head and token is all that is left of a norm on the keys.
            var expected = 2 * 4L * ((c * 4) + r + (model.Options.Attention.QueryKeyNorm ? 4 : 0));
            Assert.Equal(expected, compressed.CacheBytesPerToken);
            using var state = compressed.CreateDecodeState(1, 16);
            compressed.LastLogits(tensor(new long[] { 1, 2, 3, 4, 5, 6, 7 }).unsqueeze(0), state);
            Assert.Equal(7 * expected, state.Bytes);
        }
    }

    [Theory]
    [InlineData("gqa", "svd 2/2", 2, 1)]
    [InlineData("mha", "svd whole/1", 8, 5)]
    public void A_share_of_the_heads_is_that_share_of_the_cache(string name, string plan, int whole, int kept)
    {
        using var model = SmallModels.Create(name);
        using var compressed = Compressor.Compress(model, Plans[plan]);
        Assert.Equal(kept * model.CacheBytesPerToken, whole * compressed.CacheBytesPerToken);
    }

    [Theory, MemberData(nameof(Names))]
    public void Decoding_from_components_agrees_with_whole_heads_in_float32(string name)
    {
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create(name, type: ScalarType.Float32);
        using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
        var ids = tensor(SmallModels.Ids(20, seed: 8).Select(i => (long)i).ToArray()).unsqueeze(0);
        foreach (var plan in Plans.Values)
        {
            using var compressed = Compressor.Compress(model, plan, calibration);
            Assert.InRange(Compressor.SelfCheck(compressed, ids), 0, 1e-4);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Stored_and_loaded_it_is_the_same_model(string name)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = SmallModels.Create(name, type: ScalarType.Float32);
        using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
        var ids = tensor(SmallModels.Ids(12).Select(i => (long)i).ToArray()).unsqueeze(0);
        foreach (var plan in Plans)
        {
            using var compressed = Compressor.Compress(model, plan.Value, calibration);
            ModelDirectory.Save(folder.Path, compressed);
            using var loaded = ModelDirectory.Load(folder.Path);
            Assert.True(SmallModels.Same(loaded.Logits(ids), compressed.Logits(ids)), plan.Key);
            Assert.Equal(compressed.Options.VirtualHeads!, loaded.Options.VirtualHeads!);
            Assert.Equal(compressed.CacheBytesPerToken, loaded.CacheBytesPerToken);
            Assert.Equal(compressed.Options with { VirtualHeads = null, Attention = loaded.Options.Attention },
                loaded.Options with { VirtualHeads = null });
        }
    }

    [Fact]
    public void What_is_compressed_can_be_compressed_again()
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create("window, biases, query-key norm");
        var text = SmallModels.Text();
        using var first = Calibration.Run(model, text, 5);
        using var once = Compressor.Compress(model, Plans["fine 2/7"], first);
        using var second = Calibration.Run(once, text, 5);
        var ids = tensor(SmallModels.Ids(12, seed: 8).Select(i => (long)i).ToArray());
        // The same sizes again lose nothing more; smaller ones lose what the projections of the projected heads lose.
        using (var same = Compressor.Compress(once, Plans["fine 2/7"], second))
            Assert.True(TensorLeaks.RelativeError(same.Logits(ids.unsqueeze(0)), once.Logits(ids.unsqueeze(0))) < 1e-7);
        var smaller = Uniform(new(CompressionMethod.Fine, 1, 4));
        using var twice = Compressor.Compress(once, smaller, second);
        Assert.Equal(2 * 8 * (4 + 4 + 4), twice.CacheBytesPerToken);
        Assert.True(Compressor.SelfCheck(twice, ids.unsqueeze(0)) < 1e-9);
        // Decomposing the first half again is not asked for: layers left alone keep their components.
        using var part = Compressor.Compress(once, new([null, smaller.Layers[0]], null), second);
        Assert.Equal(once.Options.VirtualHeads![0], part.Options.VirtualHeads![0]);
    }

    [Theory]
    [InlineData(4, null, CompressionMethod.Fine, "4 key components of 4 heads make nothing smaller; use 1 to 3.")]
    [InlineData(0, null, CompressionMethod.Svd, "0 key components of 4 heads make nothing smaller; use 1 to 3.")]
    [InlineData(null, 16, CompressionMethod.Fine, "a value rank of 16 is out of range; use 1 to 15.")]
    [InlineData(null, -1, CompressionMethod.Fine, "a value rank of -1 is out of range; use 1 to 15.")]
    [InlineData(null, 6, CompressionMethod.Svd,
        "a value rank of 6 is out of range; use 1 to 15, a multiple of 4 with the method svd.")]
    public void Sizes_out_of_range_are_refused(int? components, int? rank, CompressionMethod method, string message)
    {
        using var model = SmallModels.Create("gqa");
        Assert.Equal(message, Assert.Throws<CrossheadException>(
            () => Compressor.Compress(model, Uniform(new(method, components, rank)))).Message);
    }

    [Fact]
    public void One_key_head_has_no_components_but_its_values_have_ranks()
    {
        using var model = SmallModels.Create("gqa",
            change: o => o with { Attention = o.Attention with { KeyValueHeads = 1 } });
        using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
        var error = Assert.Throws<CrossheadException>(
            () => Compressor.Compress(model, Uniform(new(CompressionMethod.Fine, 1, null)), calibration));
        Assert.Contains("1 key/value head", error.Message);
        Assert.DoesNotContain("1 to 0", error.Message);
        using var compressed = Compressor.Compress(model, Uniform(new(CompressionMethod.Fine, null, 3)), calibration);
        Assert.Equal(2 * 8 * (4 + 3), compressed.CacheBytesPerToken);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_plan_of_other_layers_is_refused(int layers)
    {
        using var model = SmallModels.Create("gqa");
        var plan = CompressionPlan.Uniform(layers, [.. Enumerable.Range(0, layers)],
            new(CompressionMethod.Svd, 2, null));
        Assert.Contains($"{layers} layers, the model has 2",
            Assert.Throws<CrossheadException>(() => Compressor.Compress(model, plan)).Message);
    }

    [Fact]
    public void The_fine_method_asks_for_a_calibration()
    {
        using var model = SmallModels.Create("gqa");
        Assert.Throws<InvalidOperationException>(() => Compressor.Compress(model, Plans["fine 2/7"]));
    }

    [Theory, MemberData(nameof(Names))]
    public void A_plan_that_names_no_sizes_leaves_a_layer_as_it_is(string name)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create(name);
        using var compressed = Compressor.Compress(model, Uniform(new(CompressionMethod.Fine, null, null)));
        var ids = tensor(SmallModels.Ids(12).Select(i => (long)i).ToArray()).unsqueeze(0);
        Assert.True(SmallModels.Same(compressed.Logits(ids), model.Logits(ids)));
        Assert.Equal(model.CacheBytesPerToken, compressed.CacheBytesPerToken);
    }

    [Theory]
    [InlineData("gqa")]
    [InlineData("compressed, query-key norm")]
    public void Compressing_leaves_no_tensor_behind(string name)
    {
        using var model = SmallModels.Create(name);
        using var calibration = Calibration.Run(model, SmallModels.Text(), 5);
        using var ids = tensor(new long[] { 1, 2, 3, 4, 5 }, [1, 5]);
        foreach (var plan in Plans.Values)
            TensorLeaks.None(() =>
            {
                using var compressed = Compressor.Compress(model, plan, calibration);
                Compressor.SelfCheck(compressed, ids);
            });
    }

    private static CompressionPlan Uniform(LayerPlan plan) => CompressionPlan.Uniform(2, [0, 1], plan);
}
