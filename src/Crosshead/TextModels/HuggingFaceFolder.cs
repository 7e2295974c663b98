using System.IO.Hashing;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;
using Crosshead.Text.Chat;
using Crosshead.Text.Tokenizers;
using static TorchSharp.torch;

namespace Crosshead.TextModels;

/// <summary>
/// A model directory in Hugging Face's layout: <c>config.json</c>, safetensors files, the tokenizer's files. Its parts
/// fit each other, according to the headers.
/// </summary>
public sealed class HuggingFaceFolder : IModelSource
{
    private readonly Lazy<ChatTemplate> _chat;
    private readonly Lazy<string> _weights, _configuration;

    private HuggingFaceFolder(ModelDescription description, Tokenizer tokenizer)
    {
        (Description, Tokenizer) = (description, tokenizer);
        EndTokens = description.EndTokens(tokenizer.EosTokenId);
        _chat = new(() => Text.Chat.ChatTemplate.Load(Path));
        _weights = new(() => Checkpoints.WeightsHash.Of(Path));
        _configuration = new(() => Convert.ToHexStringLower(
            XxHash128.Hash(File.ReadAllBytes(System.IO.Path.Combine(Path, ModelFileNames.Configuration)))));
    }

    /// <summary>Reads a directory's configuration, its tokenizer, and the headers of its weights.</summary>
    /// <param name="folder">The directory.</param>
    /// <exception cref="CrossheadException">
    /// A part is missing or damaged, contradicts another, or the tokenizer knows more tokens than the model.
    /// </exception>
    public static HuggingFaceFolder Open(string folder)
    {
        var description = ModelDirectory.Check(folder);
        var tokenizer = Tokenizer.Load(folder);
        return tokenizer.VocabularySize <= description.Options.VocabularySize
            ? new HuggingFaceFolder(description, tokenizer)
            : throw new CrossheadException(
                $"the tokenizer in \"{folder}\" has {tokenizer.VocabularySize} tokens, the model "
                    + $"{description.Options.VocabularySize}; "
                + "put the tokenizer there that the model was trained with.");
    }

    /// <summary>What the directory's files say about the model.</summary>
    public ModelDescription Description { get; }

    /// <inheritdoc/>
    public string Path => Description.Folder;

    /// <inheritdoc/>
    public ModelOptions Options => Description.Options;

    /// <inheritdoc/>
    public IReadOnlyList<string> Remarks => Description.Remarks;

    /// <inheritdoc/>
    public Tokenizer Tokenizer { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> EndTokens { get; }

    /// <inheritdoc/>
    public ChatTemplate ChatTemplate => _chat.Value;

    /// <inheritdoc/>
    public string WeightsHash => _weights.Value;

    /// <inheritdoc/>
    public string ConfigurationHash => _configuration.Value;

    /// <inheritdoc/>
    public LanguageModel Load(ScalarType compute = ScalarType.Float32, Device? device = null) =>
        ModelDirectory.Load(Description, compute, device);

    /// <inheritdoc/>
    public LanguageModel LoadFrozen(ScalarType type = ScalarType.Float32, Device? device = null) =>
        ModelDirectory.LoadFrozen(Description, type, device);
}
