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

    /// <summary>Checks that a model can be written.</summary>
    /// <param name="options">The model's shape.</param>
    /// <param name="companions">The model directory with its tokenizer, which may have none, or a GGUF file.</param>
    /// <exception cref="CrossheadException">The format has no place for the model or for its tokenizer.</exception>
    public static void Require(ModelOptions options, string companions)
    {
        GgufDescriber.Require(options);
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
        GgufDescriber.Require(options);
        var writer = new GgufWriter();
        writer.Add("general.architecture", GgufArchitectures.Of(options.Family).Name);
        writer.Add("general.name", name);
        if (keeps) GgufRecipe.DescribeMixture(writer);
        else recipe.Describe(writer);
        GgufDescriber.Describe(writer, options);
        AddCompanions(writer, companions, options);
        var facts = new GgufModelFacts(options.Layers, options.Experts?.Count ?? 0, options.TieEmbeddings);
        var tensors = new GgufTensors(writer, recipe, facts) { Progress = progress, Cancellation = cancellation };
        foreach (var (tensor, values) in GgufArchitectures.Of(options.Family).Scaling.Tensors(options))
            tensors.Add(tensor, [values.Length],
                convert => convert((first, read) => values.AsSpan((int)first, read.Length).CopyTo(read)));
        // The experts of a layer have one name, and so have modules that some architectures keep together.
        var placed = model.Parameters.Select(p => new Placed(p, GgufParameter.Of(p.Name, [.. p.Shape], options)));
        foreach (var group in placed.GroupBy(p => p.Place.Tensor))
        {
            Placed[] parts = [.. group.OrderBy(p => p.Place.First)];
            if (keeps && TypeOf(parts) is { } type)
                tensors.AddCopy(group.Key, type, parts[0].Place.Shape, stream => Copy(stream, parts));
            else tensors.Add(group.Key, parts[0].Place.Shape, convert => Convert(parts, convert));
        }
        using var grad = no_grad();
        writer.Write(path);
    }

    // The type of weights that lie in a file and are copied by rows; null for others.
    private static GgufType? TypeOf(Placed[] parts) =>
        parts[0] is { Place: { Added: 0 } place, Parameter.Stored: { } stored } && (place.IsMatrix || !place.IsTurned)
            && parts.All(p => p.Parameter.Stored?.Format == stored.Format) ? GgufType.Of(stored.Format) : null;

    private static void Copy(Stream stream, Placed[] parts)
    {
        foreach (var (parameter, place) in parts)
        {
            var stored = parameter.Stored!;
            for (var row = 0L; row < stored.Rows; row++) stream.Write(stored.BytesOf(place.ModelRowOf(row)));
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

    /// <summary>Gives the numbers of parameters that are one tensor, in the order of the file.</summary>
    /// <param name="parts">The parameters, in their order.</param>
    /// <param name="convert">Takes a reader of the numbers.</param>
    internal static void Convert(IReadOnlyList<Placed> parts, Action<GgufTensors.Reader> convert)
    {
        using var scope = NewDisposeScope();
        ParameterRows[] sources = [.. parts.Select(part => new ParameterRows(part.Parameter))];
        var (columns, starts) = (sources[0].Columns, new long[sources.Length]);
        for (var i = 1; i < starts.Length; i++) starts[i] = starts[i - 1] + sources[i - 1].Rows;
        convert((first, values) =>
        {
            var row = first / columns;
            var found = Array.BinarySearch(starts, row);
            var index = found < 0 ? ~found - 1 : found;
            var (source, place) = (sources[index], parts[index].Place);
            row -= starts[index];
            if (place.IsMatrix || !place.IsTurned) source.Read(place.ModelRowOf(row), values);
            else
            {
                var own = new float[values.Length];
                source.Read(row, own);
                for (var i = 0; i < own.Length; i++) values[i] = own[place.ModelRowOf(i)];
            }
            if (place.Added == 0) return;
            for (var i = 0; i < values.Length; i++) values[i] += (float)place.Added;
        });
        foreach (var source in sources) source.SetAside();
        GC.KeepAlive(sources);
    }

    /// <summary>A parameter, and where it goes.</summary>
    internal readonly record struct Placed(Parameter Parameter, GgufParameter Place);

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
