using Crosshead.Checkpoints;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.TextModels.Verification;

/// <summary>
/// Stored results of a model, <c>expected.safetensors</c> in its directory or beside its GGUF file: logits of
/// <c>input_ids</c>, and the greedy continuation of <c>prompt</c> (<c>greedy</c>, prompt included).
/// </summary>
public static class ExpectedOutputs
{
    /// <summary>Name of the file.</summary>
    public const string FileName = "expected.safetensors";

    /// <summary>The file with the results of a model.</summary>
    /// <param name="model">The model directory, or the GGUF file.</param>
    public static string PathFor(string model) => Path.Combine(
        Directory.Exists(model) ? model : Path.GetDirectoryName(Path.GetFullPath(model))!, FileName);

    /// <summary>
    /// Computes the stored results again and compares: by the model's operators, and by the decoder for the device.
    /// </summary>
    /// <param name="model">The model directory, or the GGUF file.</param>
    /// <param name="type">Precision to compute in.</param>
    /// <param name="device">Device to compute on.</param>
    /// <exception cref="CrossheadException">Something is missing.</exception>
    public static VerificationCase Verify(string model, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var loaded = ModelDirectory.LoadFrozen(model, type, device);
        var stored = StoredResults.Read(PathFor(model), loaded.Options);

        var wanted = stored.Logits.to(ScalarType.Float64);
        var actual = loaded.Logits(stored.Ids.to(device)).cpu().to(ScalarType.Float64);
        var absolute = (actual - wanted).abs().max().item<double>();
        var relative = absolute / wanted.abs().max().item<double>();
        bool? greedy = stored.Greedy is { } text ? GreedyMatches(loaded, text, stored.Prompt, device) : null;
        var decoded = DecodedOutputs.Compare(loaded, stored);
        var tolerance = type == ScalarType.BFloat16 ? 0.1 : 2e-4;
        return new VerificationCase(model, absolute, relative, null, greedy is null ? null : greedy & decoded.Greedy,
            relative <= tolerance && decoded.MaxRelError <= tolerance && greedy != false && decoded.Greedy != false,
            tolerance)
        {
            Decoder = decoded.Decoder,
            DecodedMaxRelError = decoded.MaxRelError,
        };
    }

    // Once with the cache, and once with the whole sequence computed again at every step.
    private static bool GreedyMatches(LanguageModel model, int[] text, int begin, Device device)
    {
        var whole = tensor(text, ScalarType.Int64, device).reshape(1, -1);
        // Past the original context of LongRoPE, Transformers 5 forgets the text before the newest token.
        var most = model.Options.ShortContext + 1L ?? long.MaxValue;
        var end = Math.Min(text.Length, most);
        using var state = model.CreateDecodeState(1, end);
        for (var n = begin; n < end; n++)
        {
            using var scope = NewDisposeScope();
            // As long as all tokens so far are the stored ones, the stored sequence is the greedy one.
            var sequence = whole.narrow(1, 0, n);
            var wanted = (long)text[n];
            var cached = model.LastLogits(n == begin ? sequence : sequence.narrow(1, n - 1, 1), state);
            if (Likeliest(cached) != wanted || Likeliest(model.LastLogits(sequence)) != wanted) return false;
        }
        return true;
    }

    private static long Likeliest(Tensor logits) => logits.argmax(-1).item<long>();
}
