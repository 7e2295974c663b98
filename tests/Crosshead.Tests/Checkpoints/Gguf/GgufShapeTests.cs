using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Gguf;

/// <summary>What the keys and tensor names of a GGUF file say of a model, and what is refused.</summary>
public sealed class GgufShapeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Models => [.. GgufModels.All.Keys];

    [Theory]
    [MemberData(nameof(Models))]
    public void The_shape_that_was_written_comes_back(string name)
    {
        var written = GgufModels.All[name];
        var read = ModelDescription.Of(Written(name)).Options;
        Assert.Equivalent(written, read with
        {
            InitializerRange = written.InitializerRange,
            Attention = read.Attention with { QueryKeyNormEpsilon = written.Attention.QueryKeyNormEpsilon },
        }, strict: true);
    }

    [Fact]
    public void Absent_keys_mean_what_they_mean_to_others()
    {
        var file = Written("llama");
        ModelOptions Of(Func<GgufEdit, GgufEdit> change) => ModelDescription.Of(change(new GgufEdit(file)).Write(
            _folder.File("changed.gguf"))).Options;
        Assert.Equal(10000, Of(e => e.Without("llama.rope.freq_base")).RopeBase);
        // 32 wide with 4 heads, which the tensors contradict; the shape alone is asked for here
        Assert.Equal(8, Of(e => e.Without("llama.attention.key_length").Without("llama.attention.value_length")
            .Without("llama.rope.dimension_count")).HeadDim);
        Assert.Equal(4, Of(e => e.Without("llama.attention.head_count_kv")).Attention.Groups);
        Assert.Equal(2, Of(e => e.Counts("llama.attention.head_count_kv", 2, 2)).Attention.Groups);
        Assert.Equal(64, Of(e => e.Counts("llama.feed_forward_length", 64, 64)).FeedForward);

        Assert.Equal(new RopeScaling { Kind = RopeScalingKind.Linear, Factor = 3 },
            Of(e => e.Number("llama.rope.scaling.factor", 3)).RopeScaling);
        Assert.Equal(new RopeScaling { Kind = RopeScalingKind.Linear, Factor = 3 },
            Of(e => e.Number("llama.rope.scale_linear", 3)).RopeScaling);
        Assert.Null(Of(e => e.Text("llama.rope.scaling.type", "yarn")).RopeScaling);
        Assert.Null(Of(e => e.Text("llama.rope.scaling.type", "none").Number("llama.rope.scaling.factor", 3))
            .RopeScaling);
        Assert.Equal(24, Of(e => e.Count("llama.attention.sliding_window", 24)).Attention.SlidingWindow);
        Assert.Null(Of(e => e.Count("llama.attention.sliding_window", 64)).Attention.SlidingWindow);
        Assert.Null(Of(e => e.Count("llama.attention.sliding_window", 0)).Attention.SlidingWindow);

        var experts = ModelDescription.Of(new GgufEdit(Written("qwen3moe"))
            .Without("qwen3moe.expert_feed_forward_length").Count("qwen3moe.feed_forward_length", 64).Write(
                _folder.File("changed.gguf"))).Options.Experts!;
        Assert.Equal((4, 2, 32, true), (experts.Count, experts.PerToken, experts.InnerSize, experts.Renormalize));
    }

    public static TheoryData<string, Action<object>, string> Bad
    {
        get
        {
            var data = new TheoryData<string, Action<object>, string>();
            void Add(string told, Action<GgufEdit> change, string model = "llama") =>
                data.Add(model, edit => change((GgufEdit)edit), told);
            Add("it lacks the key general.architecture", e => e.Without("general.architecture"));
            Add("the architecture \"lama\" is not supported; ", e => e.Text("general.architecture", "lama"));
            Add("it holds \"adapter\" by its key general.type", e => e.Text("general.type", "adapter"));
            foreach (var key in new[]
            {
                "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count",
                "attention.layer_norm_rms_epsilon", "vocab_size",
            })
                Add($"it lacks the key llama.{key}, which a model must have", e => e.Without($"llama.{key}"));
            Add("it lacks the key qwen3moe.expert_count", e => e.Without("qwen3moe.expert_count"), "qwen3moe");
            Add("the key llama.block_count is 0; it must be a number from 1 to 2147483647",
                e => e.Count("llama.block_count", 0));
            Add("the key llama.context_length is 4294967295; it must be", e => e.Count("llama.context_length",
                uint.MaxValue));
            Add("the key \"llama.embedding_length\" is of type String; it must be a whole number",
                e => e.Text("llama.embedding_length", "32"));
            Add("the key llama.attention.head_count is 4 in layer 0 and 2 in layer 1, which is not supported",
                e => e.Counts("llama.attention.head_count", 4, 2));
            Add("the key llama.attention.head_count_kv is a list of 3 numbers, the model has 2 layers",
                e => e.Counts("llama.attention.head_count_kv", 2, 2, 2));
            Add("the key llama.attention.value_length is 8, a key head has 16 elements",
                e => e.Count("llama.attention.value_length", 8));
            Add("the key llama.rope.dimension_count is 4, a key head has 16 elements",
                e => e.Count("llama.rope.dimension_count", 4));
            Add("the key llama.rope.scaling.type is \"longrope\", which is not supported",
                e => e.Text("llama.rope.scaling.type", "longrope"));
            Add("the key llama.attention.causal is false, which is not supported; supported is true",
                e => e.Flag("llama.attention.causal", false));
            Add("the key llama.logit_scale is 0.5, which is not supported; supported is 1",
                e => e.Number("llama.logit_scale", 0.5));
            Add("the key qwen3.expert_count is 8; experts are supported for llama, qwen3moe, glm4moe, gpt-oss, "
                + "deepseek2 only", e => e.Count("qwen3.expert_count", 8), "qwen3");
            Add("it lacks the key llama.expert_used_count", e => e.Count("llama.expert_count", 8));
            Add("the key gemma2.attention.scale is 0.5, which is not supported",
                e => e.Number("gemma2.attention.scale", 0.5), "gemma2");
            Add("it lacks the key gemma3.attention.sliding_window", e => e.Without("gemma3.attention.sliding_window"),
                "gemma3");
            Add("the key gemma3.attention.sliding_window_pattern is a list",
                e => e.Counts("gemma3.attention.sliding_window_pattern", 1, 1, 0, 1), "gemma3");
            Add("it lacks the tensor rope_factors_short.weight", e => e.Without("rope_factors_short.weight"), "phi3");
            Add("the key glm4moe.expert_gating_func is 3, which is not supported",
                e => e.Count("glm4moe.expert_gating_func", 3), "glm4-moe");
            Add("the key glm4moe.nextn_predict_layers is 2, that of all layers 2; it must be less",
                e => e.Count("glm4moe.nextn_predict_layers", 2), "glm4-moe");
            Add("a head is 8 wide, and deepseek2.rope.dimension_count is 8; it must be less",
                e => e.Count("deepseek2.attention.key_length", 8), "deepseek-v3");
            Add("the key llama.rope.freq_base is NaN; it must be finite",
                e => e.Number("llama.rope.freq_base", double.NaN));
            Add("ropeScaling.factor", e => e.Number("llama.rope.scaling.factor", 0.5));
            Add("scales positions twice", e => e.Number("llama.rope.scaling.factor", 2), "llama 3");
            Add("holds factors that no scaling of Llama 3 gives", e => e.Bytes("rope_freqs.weight", b => b[3] = 0x42),
                "llama 3");
            Add("\"blk.1.attn_k.weight\" of shape [32, 32], which its keys ask for",
                e => e.Without("blk.1.attn_k.weight"));
            Add("\"blk.0.attn_q.bias\" of shape [64]", e => e.Without("blk.0.attn_q.bias"), "qwen2");
            Add("tensor \"blk.0.ffn_up.weight\" has shape [32, 64], its keys ask for [64, 32]",
                e => e.Tensor("blk.0.ffn_up.weight", "F32", [32, 64]));
            Add("tensor \"token_embd.weight\" has shape [40, 32], its keys ask for [41, 32]",
                e => e.Count("llama.vocab_size", 41));
            Add("tensor blk.0.ffn_up.weight has type I8 (24), whose values cannot be read; readable are F32, F16, ",
                e => e.Tensor("blk.0.ffn_up.weight", "I8", [64, 32]));
            Add("holds the tensor \"blk.0.ffn_gate_shexp.weight\" of shape [2, 32], which this model has no place for",
                e => e.Tensor("blk.0.ffn_gate_shexp.weight", "F32", [2, 32]));
            Add("holds the tensor \"rope_freqs.weight\"", e => e.Tensor("rope_freqs.weight", "F32", [8]), "qwen3");
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public void What_a_model_cannot_be_is_refused_in_one_line(string model, Action<object> change, string told)
    {
        var edit = new GgufEdit(Written(model));
        change(edit);
        var path = edit.Write(_folder.File("bad.gguf"));
        var refused = Assert.Throws<CrossheadException>(() => ModelDirectory.Check(path)).Message;
        Assert.StartsWith($"\"{path}\"", refused, StringComparison.Ordinal);
        Assert.Contains(told, refused);
        Assert.DoesNotContain('\n', refused);
    }

    [Theory]
    [InlineData("llama 3")]
    [InlineData("qwen3moe")]
    public void Damaged_headers_are_a_model_or_are_refused(string model)
    {
        var whole = File.ReadAllBytes(Written(model));
        var random = new Random(1);
        using var file = GgufReader.Open(_folder.File("x.gguf"));
        var header = file.Header.Length;
        var path = _folder.File("damaged.gguf");
        var read = 0;
        for (var i = 0; i < 400; i++)
        {
            var bytes = (byte[])whole.Clone();
            for (var change = random.Next(1, 4); change > 0; change--)
                bytes[random.Next(24, header)] = (byte)random.Next(256);
            File.WriteAllBytes(path, bytes);
            try
            {
                ModelDirectory.Check(path);
                read++;
            }
            catch (CrossheadException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }
        Assert.InRange(read, 1, 399);
    }

    [Fact]
    public void Tensors_that_old_files_have_are_no_hindrance()
    {
        var file = Written("llama");
        ModelDirectory.Check(new GgufEdit(file).Tensor("blk.0.attn_rot_embd.weight", "F32", [8])
            .Tensor("rope_freqs.weight", "F32", [8], [.. Enumerable.Repeat(BitConverter.GetBytes(1f), 8)
                .SelectMany(b => b)]).Write(_folder.File("old.gguf")));
    }

    private string Written(string name)
    {
        using var model = GgufModels.Random(GgufModels.All[name]);
        return GgufModels.Write(_folder.File("x.gguf"), model, ScalarType.Float32, _folder.Path);
    }
}
