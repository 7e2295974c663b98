using Crosshead.Checkpoints;

namespace Crosshead.Training;

/// <summary>The files beside a model's weights that training leaves as they are: its tokenizer, and how it generates.</summary>
internal sealed class ModelCompanions
{
    private const string TokenizerConfig = "tokenizer_config.json";

    private static readonly string[] Names = [ModelDirectory.TokenizerFile, TokenizerConfig, "special_tokens_map.json", "chat_template.jinja", "generation_config.json"];

    private readonly Dictionary<string, byte[]> _files = [];

    /// <summary>Reads the files, which are small.</summary>
    /// <param name="model">The model directory or checkpoint that the run goes on from; null for a new model.</param>
    /// <param name="tokenizer">The data's tokenizer, for what the model has not; null for none.</param>
    public ModelCompanions(string? model, string? tokenizer)
    {
        if (model is not null)
            foreach (var name in Names) Add(name, Path.Combine(model, name));
        if (tokenizer is null || _files.ContainsKey(ModelDirectory.TokenizerFile)) return;
        Add(ModelDirectory.TokenizerFile, tokenizer);
        Add(TokenizerConfig, Path.Combine(Path.GetDirectoryName(Path.GetFullPath(tokenizer))!, TokenizerConfig));
    }

    /// <summary>Writes the files into a model directory.</summary>
    /// <exception cref="CrossheadException">One cannot be written.</exception>
    public void Save(string folder)
    {
        foreach (var (name, bytes) in _files) AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(bytes));
    }

    private void Add(string name, string path)
    {
        if (File.Exists(path)) _files[name] = File.ReadAllBytes(path);
    }
}
