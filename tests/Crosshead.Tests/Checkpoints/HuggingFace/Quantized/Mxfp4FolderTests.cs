using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Tests.Kernels;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.HuggingFace.Quantized;

/// <summary>gpt-oss with experts in MXFP4, as published, against the same numbers in float32.</summary>
public sealed class Mxfp4FolderTests
{
    private const int Experts = 3, Width = 64, Inner = 32;

    private static readonly float[] s_numbers = [0, .5f, 1, 1.5f, 2, 3, 4, 6, -0f, -.5f, -1, -1.5f, -2, -3, -4, -6];

    private const string Config = """
        { "model_type": "gpt_oss", "architectures": ["GptOssForCausalLM"], "vocab_size": 32, "hidden_size": 64,
        "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 16, "num_local_experts": 3, "num_experts_per_tok": 2, "max_position_embeddings": 512,
        "sliding_window": 8, "swiglu_limit": 7.0, "rope_theta": 150000, "attention_bias": true, "hidden_act": "silu",
        "initializer_range": 0.3QUANTIZATION }
        """;

    [Fact]
    public void Experts_are_the_numbers_that_the_file_stands_for_and_stay_packed()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using TemporaryFolder plain = new(), packed = new();
        Write(plain, packed);
        using LanguageModel expected = ModelDirectory.Load(plain.Path), trainable = ModelDirectory.Load(packed.Path),
            frozen = ModelDirectory.LoadFrozen(packed.Path, ScalarType.Float32);
        Assert.All(expected.Parameters.Zip(trainable.Parameters),
            p => Assert.True(p.First.Value.equal(p.Second.Value).all().item<bool>(), p.First.Name));
        var experts = ExpertsOf(frozen);
        Assert.Equal(2 * 3 * Experts, experts.Length);
        Assert.All(experts, p => Assert.Equal(WeightFormat.Mxfp4, p.Stored!.Format));

        var ids = arange(20, ScalarType.Int64).remainder(32).unsqueeze(0);
        var logits = expected.Logits(ids);
        Assert.InRange(TensorLeaks.RelativeError(frozen.Logits(ids), logits), 0, 1e-5);
        CpuKernels.Require();
        using var weights = new CpuWeights(frozen, activations: ActivationType.Float32);
        using var decoder = new CpuDecoder(weights, 1, 20);
        var batch = new DecodeBatch(decoder);
        batch.Prefill([[.. Enumerable.Range(0, 20)]], 512, TestContext.Current.CancellationToken);
        Assert.InRange(TensorLeaks.RelativeError(tensor(batch.Logits(0).ToArray()), logits[0, 19]), 0, 1e-4);
    }

    [Fact]
    public void On_a_gpu_experts_stay_packed_and_give_the_logits_of_tensors()
    {
        Assert.SkipUnless(cuda_is_available(), "there is no CUDA device");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using TemporaryFolder plain = new(), packed = new();
        Write(plain, packed);
        var device = new Device("cuda:0");
        using LanguageModel tensors = ModelDirectory.LoadFrozen(plain.Path, ScalarType.BFloat16, device),
            blocks = ModelDirectory.LoadFrozen(packed.Path, ScalarType.BFloat16, device);
        Assert.All(ExpertsOf(blocks), p => Assert.NotNull(p.Packed));
        // Passes of few tokens, of many and of very many an expert, and captured steps.
        foreach (var length in new[] { 3, 60, 300 })
        {
            var ids = arange(length, ScalarType.Int64, device).mul(7).remainder(32).unsqueeze(0);
            Assert.InRange(TensorLeaks.RelativeError(blocks.Logits(ids), tensors.Logits(ids)), 0, 0.02);
        }
        using var one = new CudaGraphDecoder(tensors, 1, 40);
        using var other = new CudaGraphDecoder(blocks, 1, 40);
        var (expected, actual) = (new DecodeBatch(one), new DecodeBatch(other));
        foreach (var batch in new[] { expected, actual })
            batch.Prefill([[.. Enumerable.Range(0, 20)]], 512, TestContext.Current.CancellationToken);
        for (var n = 0; n < 10; n++)
        {
            foreach (var batch in new[] { expected, actual }) batch.Step([n]);
            Assert.True(other.IsCaptured, other.Refusal);
            Assert.InRange(TensorLeaks.RelativeError(tensor(actual.Logits(0).ToArray()),
                tensor(expected.Logits(0).ToArray())), 0, 0.02);
        }
    }

    private static Parameter[] ExpertsOf(LanguageModel model) => [.. model.Parameters.Where(p =>
        p.Name.Contains(".experts.", StringComparison.Ordinal) && p.Kind == ParameterKind.Matrix)];

    // The same model with its experts as numbers and in blocks.
    private static void Write(TemporaryFolder plain, TemporaryFolder packed)
    {
        File.WriteAllText(plain.File("config.json"), Config.Replace("QUANTIZATION", "", StringComparison.Ordinal));
        File.WriteAllText(packed.File("config.json"), Config.Replace("QUANTIZATION",
            """, "quantization_config": { "quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"] }""",
            StringComparison.Ordinal));
        using (var model = new LanguageModel(ModelConfig.Read(plain.File("config.json"))))
        {
            model.Initialize(1);
            ModelDirectory.Save(plain.Path, model);
        }
        Dictionary<string, Tensor> dense = [], blocks = [];
        using (var files = WeightFiles.Open(plain.Path))
            foreach (var name in files.Tensors.Keys)
            {
                dense[name] = files.Map(name).clone();
                if (!name.EndsWith("up_proj", StringComparison.Ordinal)
                    && !name.EndsWith("experts.down_proj", StringComparison.Ordinal)) blocks[name] = dense[name];
            }
        for (var layer = 0; layer < 2; layer++)
            foreach (var (name, rows, columns) in new[]
            {
                ("gate_up_proj", 2 * Inner, Width), ("down_proj", Width, Inner),
            })
            {
                var key = $"model.layers.{layer}.mlp.experts.{name}";
                var (codes, scales, values) = Draw(rows, columns);
                (blocks[$"{key}_blocks"], blocks[$"{key}_scales"]) = (codes, scales);
                dense[key] = values.transpose(1, 2).contiguous(); // Transformers keeps [E, inputs, outputs]
            }
        SafetensorsWriter.Write(plain.File("model.safetensors"), dense);
        SafetensorsWriter.Write(packed.File("model.safetensors"), blocks);
    }

    // Codes [E, rows, n, 16], scales [E, rows, n], and the numbers that they stand for, [E, rows, 32·n].
    private static (Tensor Codes, Tensor Scales, Tensor Values) Draw(int rows, int columns)
    {
        var random = new Random(rows);
        var codes = new byte[Experts * rows * columns / 2];
        var scales = new byte[Experts * rows * columns / 32];
        random.NextBytes(codes);
        for (var i = 0; i < scales.Length; i++) scales[i] = (byte)random.Next(120, 125);
        var values = new float[codes.Length * 2];
        for (var i = 0; i < values.Length; i++)
            values[i] = s_numbers[(codes[i / 2] >> (i % 2 * 4)) & 15] * MathF.Pow(2, scales[i / 32] - 127);
        return (tensor(codes, [Experts, rows, columns / 32, 16]), tensor(scales, [Experts, rows, columns / 32]),
            tensor(values, [Experts, rows, columns]));
    }
}
