using Crosshead.Checkpoints;
using Crosshead.Data;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>A model in master precision with its tokenizer, as compression takes it.</summary>
/// <param name="Folder">Its directory.</param>
/// <param name="Model">The model.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
internal sealed record ModelToCompress(string Folder, LanguageModel Model, Tokenizer Tokenizer) : IDisposable
{
    /// <summary>Loads a directory and checks that its parts belong together.</summary>
    /// <exception cref="CrossheadException">A part is missing or damaged, or the tokenizer knows more tokens than the model.</exception>
    public static ModelToCompress Load(string folder, Device device, CommandOutput output)
    {
        var options = ModelRemarks.Tell(folder, output).Options;
        var tokenizer = LoadedModel.TokenizerOf(folder, options);
        return new ModelToCompress(folder, ModelDirectory.Load(folder, ScalarType.Float32, device), tokenizer);
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}
