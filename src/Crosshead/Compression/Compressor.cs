using Crosshead.Compression.Fits;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Compression;

/// <summary>Creates the model of a plan: fitted components in the planned layers, everything else unchanged.</summary>
public static class Compressor
{
    /// <summary>Compresses a model into a new model.</summary>
    /// <param name="model">A model in its master precision, or one that was loaded in place; this model stays
    /// unchanged. Of a quantised model the new one has all weights that are not fitted, where they lie.</param>
    /// <param name="plan">The cache sizes of each layer.</param>
    /// <param name="calibration">Statistics of text; null if the plan uses only
    /// <see cref="CompressionMethod.Svd"/>.</param>
    /// <exception cref="CrossheadException">The mechanism has no components, a size is out of range, the plan and the
    /// model differ in their number of layers, or weights are not finite.</exception>
    public static LanguageModel Compress(LanguageModel model, CompressionPlan plan, Calibration? calibration = null)
    {
        plan.Validate(model.Options);
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var fits = plan.Layers.Index().Where(l => l.Item is { KeyComponents: not null } or { ValueRank: not null })
            .ToDictionary(l => l.Index, l => Fit(model, l.Index, l.Item!, calibration));
        var before = model.Options.VirtualHeads;
        var shapes = plan.Layers.Select((_, i) => fits.TryGetValue(i, out var fit)
            ? CompressedLayer.Shape(fit.Keys, fit.Values) : before?[i]).ToArray();
        return CompressedLayer.Replace(model, model.Options with { VirtualHeads = shapes }, fits);
    }

    /// <summary>
    /// Returns the paper's sizes for a share of the cache: equal numbers of key and value components, each a whole
    /// head.
    /// </summary>
    /// <exception cref="CrossheadException">No number of heads gives this share; the message names the nearest possible
    /// share.</exception>
    public static LayerPlan SvdPlan(int groups, int headDim, double share)
    {
        var components = (int)Math.Clamp(Math.Round(share * groups), 1, Math.Max(1, groups - 1));
        if (groups < 2)
            throw new CrossheadException($"the model has 1 key/value head, of which the method svd cannot keep a part; "
                + $"use {MessageTerm.Method} fine.");
        if (Math.Abs((share * groups) - components) > 1e-9)
            throw new CrossheadException($"{MessageTerm.CacheShare} {share:P1} of {groups} heads is no number of heads;"
                + $" use {(double)components / groups:P1}, which keeps {components}, or {MessageTerm.Method} fine.");
        return new LayerPlan(CompressionMethod.Svd, components, components * headDim);
    }

    /// <summary>
    /// Rounds all weights to the precision in which they are stored. The measured model then equals the stored one. In
    /// a quantised model those that lie in its file stay as they are.
    /// </summary>
    public static void RoundTo(LanguageModel model, ScalarType stored)
    {
        using var grad = no_grad();
        var quantized = model.IsQuantized;
        foreach (var parameter in model.Parameters.Where(p => !quantized || p.Stored is null))
        {
            using var scope = NewDisposeScope();
            if (parameter.Value.dtype != stored) parameter.Value.detach().copy_(parameter.Value.to(stored));
        }
    }

    /// <summary>
    /// Returns the largest relative difference between two computations of a compressed model's logits. One computation
    /// reads its cache of components token by token. The other composes whole heads in weight space and computes all
    /// tokens at once.
    /// </summary>
    /// <param name="model">A compressed model.</param>
    /// <param name="tokens">A text [1, N].</param>
    public static double SelfCheck(LanguageModel model, Tensor tokens)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var whole = model.Logits(tokens);                                                        // [1,N,V]
        using var state = model.CreateDecodeState(1, tokens.shape[1]);
        var (worst, chunk) = (0.0, Math.Max(1, tokens.shape[1] / 2));
        for (var n = 0L; n < tokens.shape[1];)
        {
            using var step = NewDisposeScope();
            var count = n == 0 ? chunk : 1;  // a prompt, then token by token
            var logits = model.LastLogits(tokens.narrow(1, n, count), state);
            n += count;
            worst = Math.Max(worst,
                (logits - whole.narrow(1, n - 1, 1)).abs().max().to(ScalarType.Float64).item<double>());
        }
        return worst / Math.Max(1e-30, whole.abs().max().to(ScalarType.Float64).item<double>());
    }

    private static (FittedKeys? Keys, FittedValues? Values) Fit(LanguageModel model, int layer, LayerPlan plan,
        Calibration? calibration) =>
        PieceFit.Of(model, layer, calibration).Of(plan);
}
