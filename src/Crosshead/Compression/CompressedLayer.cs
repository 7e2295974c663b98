using Crosshead.Attention;
using Crosshead.Attention.Composition;
using Crosshead.Compression.Fits;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Compression;

/// <summary>Builds attention layers from fitted components.</summary>
internal static class CompressedLayer
{
    // The parameters of latent attention that a fit changes.
    private const string ComponentsName = "kv_c_proj.weight", MadeName = "kv_b_proj.weight";

    private static readonly Dictionary<int, (FittedKeys?, FittedValues?)> s_none = [];

    /// <summary>
    /// Creates an attention layer to replace the layer of a block, in the model's precision. Without fits, the result
    /// equals the block's layer. The result owns its parameters.
    /// </summary>
    public static DetachedAttention Create(LanguageModel model, int layer, FittedKeys? keys, FittedValues? values)
    {
        var shape = Shape(keys, values);
        var options = shape is null ? model.Options.AttentionOf(layer)
            : shape.ApplyTo(model.Options.WholeAttentionOf(layer), model.Options.HeadDim);
        // On a device a tensor is copied faster than it is made again.
        var kept = model.Device.type != DeviceType.CPU ? null : Kept(model, shape is null ? s_none
            : new Dictionary<int, (FittedKeys?, FittedValues?)> { [layer] = (keys, values) });
        var scope = new ParameterScope(model.Parameters[0].Type, model.Device,
            kept is null ? null : name => kept(Prefix(layer) + name));
        var attention = AttentionFactory.Create(scope, model.Options.HiddenSize, options, layer);
        if (shape is not null) Fill(scope.Parameters, "", model, layer, keys, values);
        else
        {
            using var grad = no_grad();
            var own = Own(model, layer);
            foreach (var parameter in scope.Parameters.Where(p => p.Stored is null))
                parameter.Value.copy_(own[parameter.Name].Value);
        }
        return new DetachedAttention(attention, scope.Parameters);
    }

    /// <summary>Returns the shape of a layer's cache with the fits; null if the cache keeps whole heads.</summary>
    public static VirtualHeads? Shape(FittedKeys? keys, FittedValues? values) =>
        keys is null && values is null ? null : new VirtualHeads
        {
            KeyGrain = keys?.Grain ?? KeyGrain.Head,
            KeyComponents = keys?.Components,
            ValueGrain = values?.Grain ?? ValueGrain.Head,
            ValueRank = values?.Rank,
        };

    /// <summary>
    /// Writes the parameters of a compressed layer that are tensors: the fits, whole heads if a fit is null, and
    /// unchanged values for the rest.
    /// </summary>
    /// <param name="parameters">The new layer's parameters.</param>
    /// <param name="prefix">The prefix of the parameters' names.</param>
    /// <param name="model">The original model.</param>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="keys">Fitted keys; null for whole key heads.</param>
    /// <param name="values">Fitted values; null for whole value heads.</param>
    public static void Fill(IEnumerable<Parameter> parameters, string prefix, LanguageModel model, int layer,
        FittedKeys? keys, FittedValues? values)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var before = Own(model, layer);
        if (LatentSource(model, layer) is { } latent)
        {
            foreach (var parameter in parameters.Where(p => p.Stored is null))
            {
                var name = parameter.Name[prefix.Length..];
                parameter.Value.detach().copy_(name switch
                {
                    ComponentsName => values!.Weight,
                    MadeName => values?.Mix ?? LatentFit.Projection(latent),
                    _ => before[name].Value,
                });
            }
            return;
        }
        var attention = Source(model, layer);
        var (wholeKeys, wholeValues) = (attention.Keys(ScalarType.Float64), attention.Values(ScalarType.Float64));
        foreach (var parameter in parameters.Where(p => p.Stored is null))
        {
            var name = parameter.Name[prefix.Length..];
            parameter.Value.detach().copy_(name switch
            {
                "k_proj.weight" => keys?.Weight ?? wholeKeys.Weight,
                "k_proj.bias" => keys is null ? wholeKeys.Bias! : keys.Bias!,
                "k_mix" => keys!.Mix!,
                "k_rest_mix" => keys!.RestMix!,
                "v_proj.weight" => values?.Weight ?? wholeValues.Weight,
                "v_proj.bias" => values is null ? wholeValues.Bias! : values.Bias!,
                "v_mix" => values!.Mix,
                _ => before[name].Value,
            });
        }
    }

    /// <summary>
    /// Creates a model with another attention. The given layers get their fits; all else is unchanged. Weights of a
    /// quantised model that do not change stay where they lie.
    /// </summary>
    /// <param name="source">The original model.</param>
    /// <param name="options">The shape of the new model.</param>
    /// <param name="layers">The changed layers with their fits; a null fit means whole heads.</param>
    public static LanguageModel Replace(LanguageModel source, ModelOptions options,
        IReadOnlyDictionary<int, (FittedKeys? Keys, FittedValues? Values)> layers)
    {
        var target = Kept(source, layers) is { } kept
            ? LanguageModel.Over(options, source.ComputeType, source.Device, kept, source.Parameters[0].Type)
            : new LanguageModel(options, source.ComputeType, source.Device);
        using var grad = no_grad();
        var originals = source.Parameters.ToDictionary(p => p.Name);
        var changed = layers.Keys.ToDictionary(Prefix);
        foreach (var group in target.Parameters.GroupBy(
            p => changed.Keys.FirstOrDefault(k => p.Name.StartsWith(k, StringComparison.Ordinal))))
        {
            if (group.Key is { } prefix)
                Fill(group, prefix, source, changed[prefix], layers[changed[prefix]].Keys,
                    layers[changed[prefix]].Values);
            else
                foreach (var parameter in group.Where(p => p.Stored is null))
                    parameter.Value.detach().copy_(originals[parameter.Name].Value);
        }
        return target;
    }

    // The numbers of a quantised model that stay as they are, by the names of their parameters. Null for other models.
    private static Func<string, WeightMatrix?>? Kept(LanguageModel model,
        IReadOnlyDictionary<int, (FittedKeys? Keys, FittedValues? Values)> layers)
    {
        if (!model.IsQuantized) return null;
        var changed = new HashSet<string>();
        foreach (var (layer, (keys, values)) in layers)
        {
            var prefix = Prefix(layer);
            if (LatentSource(model, layer) is { } latent)
            {
                if (values is not null || latent.Components is not null)
                    changed.UnionWith([prefix + ComponentsName, prefix + MadeName]);
                continue;
            }
            var attention = Source(model, layer);
            if (keys is not null || attention.KeyMix is not null)
                changed.UnionWith([
                    $"{prefix}k_proj.weight", $"{prefix}k_proj.bias", $"{prefix}k_mix", $"{prefix}k_rest_mix"]);
            if (values is not null || attention.ValueMix is not null)
                changed.UnionWith([$"{prefix}v_proj.weight", $"{prefix}v_proj.bias", $"{prefix}v_mix"]);
        }
        var kept = model.Parameters.Where(p => p.Stored is not null && !changed.Contains(p.Name))
            .ToDictionary(p => p.Name, p => p.Stored!);
        return name => kept.TryGetValue(name, out var stored) ? stored.Part(0, stored.Rows) : null;
    }

    /// <summary>Returns the prefix of the names of a layer's attention parameters.</summary>
    public static string Prefix(int layer) => $"model.layers.{layer}.self_attn.";

    private static Dictionary<string, Parameter> Own(LanguageModel model, int layer)
    {
        var prefix = Prefix(layer);
        return model.Parameters.Where(p => p.Name.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(p => p.Name[prefix.Length..]);
    }

    /// <summary>Returns the latent attention of a layer; null for attention with heads.</summary>
    public static LatentAttention? LatentSource(LanguageModel model, int layer) => model.Blocks[layer].Attention switch
    {
        LatentAttention attention => attention,
        DeferredAttention { Layer: LatentAttention attention } => attention,
        _ => null,
    };

    /// <summary>Returns the attention of a layer.</summary>
    /// <exception cref="CrossheadException">The attention mechanism has no components.</exception>
    public static MultiheadAttention Source(LanguageModel model, int layer) => model.Blocks[layer].Attention switch
    {
        MultiheadAttention attention => attention,
        DeferredAttention { Layer: MultiheadAttention attention } => attention,
        FrozenAttention frozen => frozen.Layer,
        _ => throw VirtualHeads.Inapplicable(model.Options.Attention.Variant),
    };
}
