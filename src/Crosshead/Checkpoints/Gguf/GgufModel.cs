using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>Writes whole models as GGUF files, which llama.cpp and programs built on it read.</summary>
public static class GgufModel
{
    /// <summary>The recipe for a model that is stored in a type: that type, or float32.</summary>
    public static GgufRecipe NearestTo(ScalarType stored) => GgufRecipe.Named(stored switch
    {
        ScalarType.Float16 => "f16",
        ScalarType.BFloat16 => "bf16",
        _ => "f32",
    });

    /// <summary>Checks that a model can be written: plain Llama, Mistral, Qwen 2, Qwen 3 and Qwen 3 MoE.</summary>
    /// <param name="options">The model's shape.</param>
    /// <param name="companions">The model directory with its tokenizer, which may have none, or a GGUF file.</param>
    /// <exception cref="CrossheadException">The format has no place for the model or for its tokenizer.</exception>
    public static void Require(ModelOptions options, string companions)
    {
        GgufArchitecture.Require(options);
        if (!GgufReader.IsAt(companions)) TokensOf(companions, options);
    }

    /// <summary>Writes a model with its tokenizer and its chat template, atomically.</summary>
    /// <param name="path">The file. An earlier one stays until the new one is complete.</param>
    /// <param name="model">The model.</param>
    /// <param name="recipe">The types of the tensors.</param>
    /// <param name="companions">The model directory with its tokenizer and chat template, or a GGUF file with both.
    /// Without a tokenizer the file has none, and programs take token ids only.</param>
    /// <param name="name">What the file calls the model.</param>
    /// <param name="progress">Takes the progress; may be null.</param>
    /// <param name="keepQuantized">Whether weights that lie quantised in a file keep their types, and with them all
    /// that lie there. Others get those of <paramref name="recipe"/>.</param>
    /// <param name="cancellation">Stops writing; no file is left.</param>
    /// <exception cref="CrossheadException">The format has no place for the model or its tokenizer, a weight is beyond
    /// the type's range, or the file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static void Write(string path, LanguageModel model, GgufRecipe recipe, string companions, string name,
        IProgress<GgufProgress>? progress = null, bool keepQuantized = false, CancellationToken cancellation = default)
    {
        var (options, keeps) = (model.Options, keepQuantized && model.IsQuantized);
        GgufArchitecture.Require(options);
        var writer = new GgufWriter();
        writer.Add("general.architecture", GgufArchitecture.NameOf(options.Family)!);
        writer.Add("general.name", name);
        if (keeps) GgufRecipe.DescribeMixture(writer);
        else recipe.Describe(writer);
        GgufArchitecture.Describe(writer, options);
        AddCompanions(writer, companions, options);
        var facts = new GgufModelFacts(options.Layers, options.Experts?.Count ?? 0,
            model.Parameters.All(p => GgufNames.Of(p.Name) != GgufRecipe.Head));
        var tensors = new GgufTensors(writer, recipe, facts) { Progress = progress, Cancellation = cancellation };
        if (GgufArchitecture.DivisorsOf(options) is { } divisors)
            tensors.Add(GgufArchitecture.FrequencyDivisors, [divisors.Length],
                convert => convert((first, values) => divisors.AsSpan((int)first, values.Length).CopyTo(values)));
        // The experts of a layer have one name.
        foreach (var group in model.Parameters.GroupBy(p => GgufNames.Of(p.Name)))
        {
            Parameter[] parts = [.. group];
            long[] shape = group.Key.Contains("_exps.", StringComparison.Ordinal)
                ? [parts.Length, .. parts[0].Shape] : [.. parts[0].Shape];
            var turned = GgufArchitecture.TurnedHeads(group.Key, options);
            if (keeps && TypeOf(parts, turned) is { } type)
                tensors.AddCopy(group.Key, type, shape, stream => Copy(stream, parts, turned, options.HeadDim));
            else tensors.Add(group.Key, shape, convert => Convert(parts, turned, options.HeadDim, convert));
        }
        using var grad = no_grad();
        writer.Write(path);
    }

    // The type of weights that lie in a file and are copied by rows; null for others.
    private static GgufType? TypeOf(Parameter[] parts, int turnedHeads) =>
        (turnedHeads == 0 || parts[0].Shape.Count > 1) && parts[0].Stored is { } stored
            && parts.All(p => p.Stored?.Format == stored.Format) ? GgufType.Of(stored.Format) : null;

    private static void Copy(Stream stream, Parameter[] parts, int turnedHeads, int headDim)
    {
        foreach (var stored in parts.Select(p => p.Stored!))
        {
            for (var row = 0L; row < stored.Rows; row++)
                stream.Write(stored.BytesOf(turnedHeads == 0 ? row : Unturned(row, headDim)));
            stored.SetAside();
        }
    }

    private static void AddCompanions(GgufWriter writer, string companions, ModelOptions options)
    {
        if (GgufReader.IsAt(companions))
        {
            using var file = GgufReader.Open(companions);
            foreach (var key in file.Metadata.Keys.Where(key => key.StartsWith("tokenizer.", StringComparison.Ordinal)))
                writer.Copy(file.Metadata, key);
            return;
        }
        if (TokensOf(companions, options) is { } tokens) tokens.Write(writer);
        else writer.Add(GgufTokens.ModelKey, GgufTokens.None);
        if (ChatTemplateFiles.Read(companions) is not { } chat) return;
        writer.Add(GgufVocabulary.TemplateKey, chat.Template);
        if (chat.ToolTemplate is { } tools) writer.Add(GgufVocabulary.ToolTemplateKey, tools);
    }

    private static GgufTokens? TokensOf(string companions, ModelOptions options) =>
        TokenizerFiles.Find(companions) is null ? null
            : GgufTokenWriter.Of(Tokenizer.Load(companions), options.VocabularySize, TextTokens.Of(companions));

    /// <summary>Gives the numbers of a parameter, or of one of each expert, in the order of the file.</summary>
    /// <param name="parts">The parameters.</param>
    /// <param name="turnedHeads">Number of heads whose rows have another order in the file; 0 for none.</param>
    /// <param name="headDim">Rows of a head.</param>
    /// <param name="convert">Takes a reader of the numbers.</param>
    internal static void Convert(Parameter[] parts, int turnedHeads, int headDim, Action<GgufTensors.Reader> convert)
    {
        using var scope = NewDisposeScope();
        var sources = Array.ConvertAll(parts, part => new ParameterRows(part));
        var (rows, columns) = (sources[0].Rows, sources[0].Columns);
        convert((first, values) =>
        {
            var row = first / columns;
            var source = sources[row / rows];
            row %= rows;
            if (turnedHeads == 0) source.Read(row, values);
            else if (parts[0].Shape.Count > 1) source.Read(Unturned(row, headDim), values);
            else
            {
                var own = new float[values.Length];
                source.Read(row, own);
                for (var i = 0; i < own.Length; i++) values[i] = own[Unturned(i, headDim)];
            }
        });
        foreach (var source in sources) source.SetAside();
        GC.KeepAlive(sources);
    }

    // The row of a query or key head that the architecture has at a place: row i, row i + d/2, row i + 1, …
    private static long Unturned(long row, int headDim)
    {
        var (head, at) = (row / headDim, row % headDim);
        return (head * headDim) + (at % 2 * (headDim / 2)) + (at / 2);
    }

    // The rows of a parameter, wherever its numbers are.
    private sealed unsafe class ParameterRows
    {
        private readonly WeightMatrix? _stored;
        private readonly Tensor? _value;
        private readonly WeightFormat _format;

        public ParameterRows(Parameter parameter)
        {
            (Columns, _stored) = (checked((int)parameter.Shape[^1]), parameter.Stored);
            Rows = parameter.Shape.Aggregate(1L, (product, size) => product * size) / Columns;
            if (_stored is not null)
            {
                _format = _stored.Format;
                return;
            }
            var value = parameter.Value.detach().cpu();
            _format = value.dtype == ScalarType.BFloat16 ? WeightFormat.BF16
                : value.dtype == ScalarType.Float16 ? WeightFormat.F16 : WeightFormat.F32;
            _value = (_format == WeightFormat.F32 ? value.to(ScalarType.Float32) : value).contiguous();
        }

        public long Rows { get; }

        public int Columns { get; }

        public void Read(long row, Span<float> values)
        {
            if (_stored is not null) _stored.Read(row, values);
            else
            {
                var bytes = (int)_format.RowBytes(Columns);
                _format.Read(new ReadOnlySpan<byte>((byte*)Aten.DataPointer(_value!) + (row * bytes), bytes), values);
            }
        }

        public void SetAside() => _stored?.SetAside();
    }
}
