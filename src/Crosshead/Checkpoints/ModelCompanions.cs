using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Files;

namespace Crosshead.Checkpoints;

/// <summary>
/// The files beside a model's weights that are copied with it: its tokenizer, in any form, and its generation settings.
/// </summary>
public sealed class ModelCompanions
{
    private static readonly string[] Tokenizers = [ModelFileNames.Tokenizer, "tokenizer.model",
        "vocab.json", "merges.txt"];
    private static readonly string[] TokenizerSettings = ["tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "chat_template.jinja"];

    private readonly Dictionary<string, byte[]> _files = [];
    private readonly TextTokens _tokens = new(null, []);

    /// <summary>Reads the files, which are small.</summary>
    /// <param name="model">The model directory or checkpoint that they come from; null for a new model.</param>
    /// <param name="tokenizer">A folder with a tokenizer for a model that has none; null for none.</param>
    public ModelCompanions(string? model, string? tokenizer)
    {
        if (model is not null)
        {
            Add(model, [.. Tokenizers, .. TokenizerSettings, TextTokens.GenerationFile]);
            _tokens = TextTokens.Of(model);
        }
        if (tokenizer is not null && !Tokenizers.Any(_files.ContainsKey))
            Add(tokenizer, [.. Tokenizers, .. TokenizerSettings]);
    }

    /// <summary>
    /// The tokens with which texts begin and end, by the model's <c>config.json</c>, otherwise by a tokenizer.
    /// </summary>
    /// <param name="begin">The tokenizer's begin token, or its end token if it has no begin token.</param>
    /// <param name="end">The tokenizer's end token.</param>
    public TextTokens TokensOr(int? begin, int? end) =>
        new(_tokens.Begin ?? begin ?? end, _tokens.Ends.Count > 0 ? _tokens.Ends : end is { } one ? [one] : []);

    /// <summary>Writes the files into a model directory.</summary>
    /// <exception cref="CrossheadException">One cannot be written.</exception>
    public void Save(string folder)
    {
        foreach (var (name, bytes) in _files)
            AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(bytes));
    }

    private void Add(string folder, IEnumerable<string> names)
    {
        foreach (var path in names.Select(name => Path.Combine(folder, name)).Where(File.Exists))
            _files[Path.GetFileName(path)] = InputFile.ReadBytes(path);
    }
}
