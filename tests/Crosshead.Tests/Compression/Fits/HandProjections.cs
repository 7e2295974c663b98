using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Compression.Fits;

/// <summary>
/// What compression does to a layer's key and value heads, written out from the definition (mea.md §5): projections of
/// the heads themselves, with the second moments taken over all tokens of a text at once. No components, no mixes.
/// </summary>
internal sealed class HandProjections
{
    private readonly LanguageModel _model;
    private readonly PlainDecoder _plain;
    private readonly Tensor[] _inputs; // [T,D]

    /// <summary>Reads what every layer sees of the text; tensors belong to the surrounding scope.</summary>
    public HandProjections(LanguageModel model, TokenWindows windows)
    {
        var seen = Enumerable.Range(0, model.Options.Layers).Select(_ => new List<Tensor>()).ToArray();
        (_model, _plain) = (model, new PlainDecoder(model) { Saw = (layer, x) => seen[layer].Add(x) });
        foreach (var window in SmallModels.All(windows).unbind(0)) _plain.Logits(window);
        _inputs = [.. seen.Select(x => cat([.. x]))];
    }

    private int Groups => _model.Options.Attention.Groups;

    private int HeadDim => _model.Options.HeadDim;

    /// <summary>What a layer sees of all tokens [T, D].</summary>
    public Tensor Input(int layer) => _inputs[layer];

    /// <summary>The model with the heads of the planned layers projected.</summary>
    public PlainDecoder Decoder(CompressionPlan plan) => new(_model)
    {
        Keys = (layer, keys) => plan.Layers[layer] is { KeyComponents: { } c } p ? Key(layer, p.Method, c, keys) : keys,
        Values = (layer, values) => plan.Layers[layer] is { ValueRank: { } r } p
            ? Value(layer, p.Method, r, values) : values,
    };

    /// <summary>The heads' affine maps [g, d·(D + 1)]: those of the unit inputs and, last, of no input.</summary>
    public Tensor Maps(int layer, bool keys)
    {
        var d = _model.Options.HiddenSize;
        var (_, k, v) = _plain.Heads(layer,
            cat([eye(d, dtype: ScalarType.Float64), zeros([1, d], ScalarType.Float64)]));
        var rows = keys ? k : v;                                                                      // [D+1,g,d]
        var bias = rows[d..];
        return cat([rows[..d] - bias, bias]).permute(1, 2, 0).reshape(Groups, -1);
    }

    /// <summary>
    /// Weights of the key heads at each frequency [d/2, g]: RMS of their queries, times that of the norm's factor.
    /// </summary>
    public Tensor KeyWeights(int layer)
    {
        var (queries, keys, _) = _plain.Heads(layer, _inputs[layer]);
        var (half, repeats) = (HeadDim / 2, queries.shape[1] / Groups);
        var weights = zeros([half, Groups], ScalarType.Float64);
        for (var g = 0; g < Groups; g++)
        {
            var factor = 1.0;
            if (_plain.Find(layer, "k_norm.weight") is { } gamma)
                factor = (1 / ((keys[.., g] / gamma).pow(2).mean([1]) + _model.Options.Attention.QueryKeyNormEpsilon))
                    .mean().item<double>();
            for (var p = 0; p < half; p++)
            {
                var squares = 0.0;
                for (var i = g * repeats; i < (g + 1) * repeats; i++)
                    squares += queries[.., i, p].pow(2).mean().item<double>() + queries[.., i, p + half].pow(2).mean()
                        .item<double>();
                weights[p, g] = Math.Sqrt(squares * factor);
            }
        }
        return weights;
    }

    /// <summary>The keys' complex z [T, g] at a frequency.</summary>
    public static Tensor Complex(Tensor keys, int frequency) =>
        complex(keys[.., .., frequency].contiguous(), keys[.., .., frequency + (keys.shape[2] / 2)].contiguous());

    /// <summary>All keys [T, g, d] of the text (γ ⊙ k with a norm).</summary>
    public Tensor AllKeys(int layer) => _plain.Heads(layer, _inputs[layer]).Keys;

    /// <summary>All values [T, g, d] of the text.</summary>
    public Tensor AllValues(int layer) => _plain.Heads(layer, _inputs[layer]).Values;

    /// <summary>How much an error of the values matters [g·d, g·d].</summary>
    public Tensor ValueMetric(int layer)
    {
        var (g, d, h) = (Groups, HeadDim, _model.Options.Attention.Heads);
        var output = _plain.Get(layer, "o_proj.weight");
        var norm = _plain.Find(layer, "head_norm.weight");
        var values = AllValues(layer);
        var metric = zeros([g * d, g * d], ScalarType.Float64);
        for (var i = 0; i < h; i++)
        {
            var part = output.narrow(1, i * d, d);
            if (norm is not null) part = part * (norm.dim() == 1 ? norm : norm[i]);
            var own = part.t().matmul(part);
            var group = i / (h / g);
            if (norm is not null) own = own / values[.., group].pow(2).mean();
            metric.narrow(0, group * d, d).narrow(1, group * d, d).add_(own);
        }
        return metric;
    }

    /// <summary>Pairs of each head that a layer rotates.</summary>
    public int RotatedPairs(int layer) => _model.Options.RotaryKindOf(layer) == RotaryKind.None ? 0
        : (_model.Options.RotaryDims ?? HeadDim) / 2;

    /// <summary>Where the numbers of a head stand that a layer does not rotate.</summary>
    public long[] Unrotated(int layer) =>
        [.. Enumerable.Range(0, HeadDim).Where(i => i % (HeadDim / 2) >= RotatedPairs(layer)).Select(i => (long)i)];

    /// <summary>How much an error of what is not rotated of the keys matters, [g·u, g·u]: Σ ⟨q, e⟩² over all
    /// queries.</summary>
    public Tensor RestMetric(int layer)
    {
        var (queries, keys, _) = _plain.Heads(layer, _inputs[layer]);
        var (places, repeats) = (Unrotated(layer), queries.shape[1] / Groups);
        var metric = zeros([Groups * places.Length, Groups * places.Length], ScalarType.Float64);
        for (var i = 0; i < queries.shape[1]; i++)
        {
            var (g, own) = (i / (int)repeats, queries[.., i].index_select(1, tensor(places)));            // [T,u]
            var factor = 1.0;
            if (_plain.Find(layer, "k_norm.weight") is { } gamma)
                factor = (1 / ((keys[.., g] / gamma).pow(2).mean([1]) + _model.Options.Attention.QueryKeyNormEpsilon))
                    .mean().item<double>();
            metric.narrow(0, g * places.Length, places.Length).narrow(1, g * places.Length, places.Length)
                .add_(own.t().matmul(own) * tensor(factor));
        }
        return metric;
    }

    /// <summary>What is not rotated of all keys, [T, g·u].</summary>
    public Tensor Rest(int layer, Tensor keys) => keys.index_select(2, tensor(Unrotated(layer))).flatten(1);

    private Tensor Key(int layer, CompressionMethod method, int components, Tensor keys)
    {
        if (method == CompressionMethod.Svd) return ByHeads(Maps(layer, keys: true), components, keys);
        var (weights, all) = (KeyWeights(layer), AllKeys(layer));
        var result = zeros_like(keys);
        if (Unrotated(layer) is { Length: > 0 } places)
            result.index_copy_(2, tensor(places), Leading(Rest(layer, all), RestMetric(layer),
                components * places.Length, Rest(layer, keys)).view(keys.shape[0], Groups, places.Length));
        for (var p = 0; p < RotatedPairs(layer); p++)
        {
            // conj: rows are the heads
            var (u, _, _) = linalg.svd((Complex(all, p) * weights[p]).transpose(0, 1).conj().resolve_conj(),
                fullMatrices: false);
            var leading = u.narrow(1, 0, components);
            var projected = (Complex(keys, p) * weights[p]).matmul(leading)
                .matmul(leading.transpose(0, 1).conj().resolve_conj()) / weights[p];
            (result[.., .., p], result[.., .., p + (HeadDim / 2)]) = (projected.real, projected.imag);
        }
        return result;
    }

    private Tensor Value(int layer, CompressionMethod method, int rank, Tensor values)
    {
        if (method == CompressionMethod.Svd) return ByHeads(Maps(layer, keys: false), rank / HeadDim, values);
        return Leading(AllValues(layer).flatten(1), ValueMetric(layer), rank, values.flatten(1)).view(values.shape);
    }

    // Rows in place of which only the leading directions of all rows are left, in a metric. Any root of it will do:
    // A = R Rᵀ, where the definition has the symmetric one.
    private static Tensor Leading(Tensor all, Tensor metric, int rank, Tensor rows)
    {
        var root = linalg.cholesky(metric);
        var (_, _, vh) = linalg.svd(all.matmul(root), fullMatrices: false);
        var leading = vh.narrow(0, 0, rank);                                                          // [r,n]
        return rows.matmul(root).matmul(leading.t()).matmul(leading).matmul(linalg.inv(root));
    }

    private static Tensor ByHeads(Tensor maps, int components, Tensor heads)
    {
        var (u, _, _) = linalg.svd(maps, fullMatrices: false);                                        // [g,g]
        var leading = u.narrow(1, 0, components);
        var projection = leading.matmul(leading.t());
        return stack(
            [.. Enumerable.Range(0, (int)heads.shape[1]).Select(g => (heads * projection[g].unsqueeze(1)).sum(1))], 1);
    }
}
