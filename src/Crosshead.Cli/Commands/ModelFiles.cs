using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Cli.Terminal;
using Crosshead.Model;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>A model directory whose parts fit each other, as far as headers tell; its weights are not read before they are loaded.</summary>
/// <param name="Folder">The directory.</param>
/// <param name="Description">What its files say about the model.</param>
/// <param name="Tokenizer">The tokenizer that the model was trained with.</param>
/// <param name="EndTokens">The tokens at which its texts end.</param>
internal sealed record ModelFiles(string Folder, ModelDescription Description, Tokenizer Tokenizer, IReadOnlyList<int> EndTokens)
{
    /// <summary>The model's shape.</summary>
    public ModelOptions Options => Description.Options;

    /// <summary>Reads a directory's configuration, its tokenizer, and the headers of its weights.</summary>
    /// <exception cref="CrossheadException">A part is missing or damaged, contradicts another, or the tokenizer knows more tokens than the model.</exception>
    public static ModelFiles Check(string folder)
    {
        var description = ModelDirectory.Check(folder);
        var tokenizer = Tokenizer.Load(folder);
        return tokenizer.VocabularySize <= description.Options.VocabularySize
            ? new ModelFiles(folder, description, tokenizer, TextTokens.EndsOf(folder, tokenizer.EosTokenId))
            : throw new CrossheadException($"the tokenizer in \"{folder}\" has {tokenizer.VocabularySize} tokens, the model {description.Options.VocabularySize}; put the tokenizer there that the model was trained with.");
    }

    /// <summary>Loads the model in master precision, as compression takes it.</summary>
    /// <exception cref="CrossheadException">The weights are damaged.</exception>
    public LanguageModel Load(Device device, CommandOutput output)
    {
        ModelRemarks.Tell(Description, output);
        return ModelDirectory.Load(Folder, ScalarType.Float32, device);
    }

    /// <summary>Loads the model for inference alone, frozen in one precision.</summary>
    /// <exception cref="CrossheadException">The weights are damaged.</exception>
    public LanguageModel LoadFrozen(ScalarType type, Device device, CommandOutput output)
    {
        ModelRemarks.Tell(Description, output);
        return ModelDirectory.LoadFrozen(Folder, type, device);
    }
}
