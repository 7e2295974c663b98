using Crosshead.Decoding;
using Crosshead.Decoding.Cpu;
using Crosshead.Model;
using Crosshead.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.TextModels.Verification;

/// <summary>
/// Stored results of a model beside those of the decoder for its device: the kernels for the CPU, or steps captured as
/// CUDA graphs. The first half of each text is computed at once, and the rest token by token.
/// </summary>
internal static class DecodedOutputs
{
    /// <summary>Decodes the stored texts and compares.</summary>
    /// <param name="model">The model.</param>
    /// <param name="expected">The stored results.</param>
    /// <returns>The decoder, the largest difference of a logit as a share of the largest one, and whether the greedy
    /// text is the stored one; null if none is stored.</returns>
    public static (string Decoder, double MaxRelError, bool? Greedy) Compare(LanguageModel model,
        StoredResults expected)
    {
        using var scope = NewDisposeScope();
        var ids = expected.Ids;
        var logits = expected.Logits.to(ScalarType.Float32).contiguous();    // [B,N,V]
        using var weights = model.Device.type == DeviceType.CPU && CpuWeights.Supports(model)
            ? new CpuWeights(model, activations: ActivationType.Float32) : null;
        IDecoder Create(long sequences, long capacity) =>
            weights is not null ? new CpuDecoder(weights, (int)sequences, (int)capacity)
            : model.Device.type == DeviceType.CUDA ? new CudaGraphDecoder(model, (int)sequences, (int)capacity)
            : new TensorDecoder(model, (int)sequences, (int)capacity);
        using var decoder = Create(ids.shape[0], ids.shape[1]);
        var difference = Difference(decoder, Rows(ids), logits.data<float>().ToArray(), (int)logits.shape[2]);
        bool? greedy = null;
        if (expected.Greedy is { } whole)
        {
            // Past the original context of LongRoPE, Transformers 5 forgets the text before the newest token.
            var length = Math.Min(whole.Length, model.Options.ShortContext + 1 ?? int.MaxValue);
            using var single = Create(1, length);
            greedy = Follows(single, whole[..length], expected.Prompt);
        }
        return (Name(decoder), difference / logits.abs().max().item<float>(), greedy);
    }

    private static string Name(IDecoder decoder) => decoder switch
    {
        CpuDecoder => "kernels",
        CudaGraphDecoder { Refusal: null } => "graphs",
        _ => "tensors",
    };

    // The largest difference of a logit.
    private static double Difference(IDecoder decoder, int[][] texts, float[] wanted, int vocabulary)
    {
        var (length, largest) = (texts[0].Length, 0.0);
        var pass = new DecodePass();
        for (int begin = 0, end; begin < length; begin = end)
        {
            end = begin == 0 ? Math.Max(1, length / 2) : begin + 1;
            pass.Clear();
            for (var b = 0; b < texts.Length; b++)
                for (var n = begin; n < end; n++) pass.Add(b, n, texts[b][n], wanted: true, reach: length);
            decoder.Run(pass);
            for (var row = 0; row < pass.Count; row++)
            {
                var (slot, position, _, _) = pass.Rows[row];
                var given = wanted.AsSpan(((slot * length) + position) * vocabulary, vocabulary);
                var computed = decoder.Logits(row);
                for (var v = 0; v < vocabulary; v++)
                {
                    var difference = Math.Abs((double)computed[v] - given[v]);
                    if (!(difference <= largest)) largest = difference; // also if it is not a number
                }
            }
        }
        return largest;
    }

    // Whether each token after the prompt is the likeliest one after those before it.
    private static bool Follows(IDecoder decoder, int[] text, int prompt)
    {
        var batch = new DecodeBatch(decoder);
        batch.Prefill([text[..prompt]], prompt);
        for (var n = prompt; n < text.Length; n++)
        {
            if (batch.MostLikely(0).Id != text[n]) return false;
            if (n + 1 < text.Length) batch.Step([text[n]]);
        }
        return true;
    }

    private static int[][] Rows(Tensor ids) => [.. Enumerable.Range(0, (int)ids.shape[0])
        .Select(b => ids[b].data<long>().ToArray().Select(id => (int)id).ToArray())];
}
