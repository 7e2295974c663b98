using Crosshead.Checkpoints;
using Crosshead.Data;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>A model directory ready for inference: its model, frozen in one precision on one device, and its tokenizer.</summary>
/// <param name="Model">The model.</param>
/// <param name="Tokenizer">The tokenizer it was trained with.</param>
/// <param name="EndTokens">The tokens at which its texts end.</param>
internal sealed record LoadedModel(LanguageModel Model, Tokenizer Tokenizer, IReadOnlyList<int> EndTokens) : IDisposable
{
    /// <summary>Loads a directory and checks that its parts belong together.</summary>
    /// <exception cref="CrossheadException">A part is missing or damaged, or the tokenizer knows more tokens than the model.</exception>
    public static LoadedModel Load(string folder, ScalarType type, Device device, CommandOutput output)
    {
        var options = ModelRemarks.Tell(folder, output).Options;
        var tokenizer = TokenizerOf(folder, options);
        var ends = TextTokens.EndsOf(folder, tokenizer.EosTokenId);
        return new LoadedModel(ModelDirectory.LoadFrozen(folder, type, device), tokenizer, ends);
    }

    /// <summary>The tokenizer of a model directory.</summary>
    /// <exception cref="CrossheadException">There is none, or it knows more tokens than the model.</exception>
    public static Tokenizer TokenizerOf(string folder, ModelOptions options)
    {
        var tokenizer = Tokenizer.Load(folder);
        return tokenizer.VocabularySize <= options.VocabularySize ? tokenizer
            : throw new CrossheadException($"the tokenizer in \"{folder}\" has {tokenizer.VocabularySize} tokens, the model {options.VocabularySize}; put the tokenizer there that the model was trained with.");
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}
