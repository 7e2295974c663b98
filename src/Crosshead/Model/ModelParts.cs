using Crosshead.Layers;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Model;

/// <summary>The parts that a model is made of, under Hugging Face's names.</summary>
internal static class ModelParts
{
    /// <summary>The token embedding [V, D].</summary>
    public static Parameter Embedding(ParameterScope scope, ModelOptions options) =>
        scope["model"]["embed_tokens"].Create("weight", ParameterKind.Embedding,
            Initialization.Normal(options.InitializerRange), options.VocabularySize, options.HiddenSize);

    /// <summary>A block.</summary>
    public static TransformerBlock Block(ParameterScope scope, ModelOptions options, int layer) =>
        new(scope["model"]["layers"][$"{layer}"], options, layer);

    /// <summary>The last norm.</summary>
    public static INorm Norm(ParameterScope scope, ModelOptions options) =>
        BlockNorms.Create(scope["model"]["norm"], options);

    /// <summary>The output head [V, D], unless it is the embedding.</summary>
    public static Parameter Head(ParameterScope scope, ModelOptions options) =>
        new Linear(scope["lm_head"], options.HiddenSize, options.HeadRows, options.InitializerRange,
            ParameterKind.Embedding).Weight;

    /// <summary>Angles of the positions of the context, for each kind of rotation among the layers.</summary>
    /// <param name="options">The model's shape.</param>
    /// <param name="compute">Precision of the computation.</param>
    /// <param name="device">Device of the computation.</param>
    public static RotaryTables Rotary(ModelOptions options, ScalarType compute, Device device)
    {
        RotaryEmbedding Table(RotaryKind kind, bool beyond)
        {
            var rotary = options.RotaryOf(kind);
            return new(options.HeadDim, options.Context, rotary.Base, Precision.MasterOf(compute), device,
                rotary.Scaling, kind == RotaryKind.None ? 0 : options.RotaryDims, beyond);
        }
        return new(Enumerable.Range(0, options.Layers).Select(options.RotaryKindOf), options.ShortContext, Table);
    }

    /// <summary>
    /// Names and shapes of all parameters, without memory for them and without libtorch, part by part. Only requested
    /// parts are made, however many layers a configuration claims.
    /// </summary>
    /// <param name="options">Validated options.</param>
    public static IEnumerable<ParameterShape> Shapes(ModelOptions options)
    {
        IEnumerable<Action<ParameterScope>> parts =
        [
            scope => Embedding(scope, options),
            .. options.TieEmbeddings ? [] : new Action<ParameterScope>[] { scope => Head(scope, options) },
            scope => Norm(scope, options),
        ];
        var blocks = Enumerable.Range(0, options.Layers)
            .Select(layer => (Action<ParameterScope>)(scope => Block(scope, options, layer).Dispose()));
        foreach (var make in parts.Concat(blocks))
        {
            var scope = new ParameterScope(ScalarType.Float32, ComputeDevice.Cpu, stored: null);
            make(scope);
            foreach (var parameter in scope.Parameters) yield return new(parameter.Name, [.. parameter.Shape]);
        }
    }
}
