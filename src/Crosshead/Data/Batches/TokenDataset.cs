using System.Security.Cryptography;
using System.Text;
using Crosshead.Data.Shards;

namespace Crosshead.Data.Batches;

/// <summary>Token ids for training and evaluation, read from a prepared folder or given in memory.</summary>
public sealed class TokenDataset : IDisposable
{
    private readonly List<TokenShard> _shards = [];

    private TokenDataset(string name, IReadOnlyList<string> folders)
    {
        var parts = folders.Select(folder => (Folder: folder, Manifest: DatasetManifest.Load(folder))).ToArray();
        (Name, Manifest) = (name, parts[0].Manifest);
        (VocabularySize, TokenizerHash) = (Manifest.VocabularySize, Manifest.Request.TokenizerSha256);
        foreach (var (folder, manifest) in parts)
            if (manifest.Request.TokenizerSha256 != TokenizerHash || manifest.VocabularySize != VocabularySize)
                throw new DataMismatchException(
                    $"\"{folder}\" was made with another tokenizer (hash {manifest.Request.TokenizerSha256}) than "
                    + $"\"{folders[0]}\" (hash {TokenizerHash}); prepare all folders with one tokenizer.");
        try
        {
            Train = new TokenSplit("train", [.. parts.SelectMany(p => Open(p.Manifest.Train, p.Manifest, p.Folder))],
                VocabularySize);
            HeldOut = new TokenSplit("held-out", Open(Manifest.HeldOut, Manifest, folders[0]), VocabularySize);
        }
        catch
        {
            Dispose();
            throw;
        }
        Identity = parts.Length == 1 ? Manifest.Identity()
            : Convert.ToHexStringLower(
                SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(' ', parts.Select(p => p.Manifest.Identity())))));
    }

    /// <summary>A data set of ids in memory.</summary>
    /// <param name="train">Ids to train on.</param>
    /// <param name="heldOut">Ids to evaluate on; may be empty.</param>
    /// <param name="vocabularySize">All ids are below this number.</param>
    /// <param name="tokenizerHash">The hash of the tokenizer that made the ids.</param>
    public TokenDataset(int[] train, int[] heldOut, int vocabularySize, string tokenizerHash)
    {
        (Name, VocabularySize, TokenizerHash) = ("the data in memory", vocabularySize, tokenizerHash);
        Train = new TokenSplit("train", [new TokenShard(train)], vocabularySize);
        HeldOut = new TokenSplit("held-out", [new TokenShard(heldOut)], vocabularySize);
    }

    /// <summary>What the data set is called in messages: its folder.</summary>
    public string Name { get; }

    /// <summary>The manifest of the folder, or of the first of several folders; null for data in memory.</summary>
    public DatasetManifest? Manifest { get; }

    /// <summary>
    /// Identifies the contents, like <see cref="DatasetManifest.Identity"/> for one folder; empty for data in memory.
    /// </summary>
    public string Identity { get; } = "";

    /// <summary>All ids are below this number.</summary>
    public int VocabularySize { get; }

    /// <summary>The hash of the tokenizer that made the ids.</summary>
    public string TokenizerHash { get; }

    /// <summary>Tokens to train on.</summary>
    public TokenSplit Train { get; }

    /// <summary>Tokens kept for evaluation; may be empty.</summary>
    public TokenSplit HeldOut { get; }

    /// <summary>Opens a prepared folder.</summary>
    /// <exception cref="CrossheadException">The manifest is missing or corrupt, or a shard is missing or not as long as
    /// the manifest says.</exception>
    public static TokenDataset Open(string folder) => Open([folder]);

    /// <summary>
    /// Opens several prepared folders. Their training tokens follow each other. The held-out tokens are those of the
    /// first folder.
    /// </summary>
    /// <param name="folders">At least one folder; a folder that is named twice counts twice.</param>
    /// <exception cref="CrossheadException">As for one folder, or they were made with different tokenizers.</exception>
    public static TokenDataset Open(IReadOnlyList<string> folders) =>
        new(string.Join(", ", folders.Select(f => $"\"{f}\"")), folders);

    /// <summary>Refuses a model whose vocabulary is not the tokenizer's.</summary>
    /// <param name="vocabularySize">The model's vocabulary.</param>
    /// <exception cref="CrossheadException">The two differ.</exception>
    public void EnsureCompatible(int vocabularySize)
    {
        if (vocabularySize == VocabularySize) return;
        var effect = vocabularySize < VocabularySize ? "tokens of the data would have no embedding"
            : "embeddings would never be trained";
        throw new CrossheadException($"the model's vocabulary ({vocabularySize}) is "
            + $"{(vocabularySize < VocabularySize ? "smaller" : "larger")} than the tokenizer's ({VocabularySize}) of "
            + $"{Name}, so {effect}; set the model's vocabulary to {VocabularySize}.");
    }

    /// <summary>Refuses a tokenizer that did not make the ids.</summary>
    /// <param name="tokenizerHash">The hash of the model's tokenizer.</param>
    /// <exception cref="CrossheadException">The two differ.</exception>
    public void EnsureTokenizer(string tokenizerHash)
    {
        if (tokenizerHash == TokenizerHash) return;
        throw new DataMismatchException($"{Name} was made with another tokenizer (hash {TokenizerHash}) than the one "
            + $"given (hash {tokenizerHash}); use the tokenizer.json in that folder, or prepare the data again.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var shard in _shards) shard.Dispose();
        _shards.Clear();
    }

    private List<TokenShard> Open(SplitInfo part, DatasetManifest manifest, string folder)
    {
        var first = _shards.Count;
        foreach (var shard in part.Shards)
            _shards.Add(new TokenShard(Path.Combine(folder, shard.File), shard.Tokens, manifest.TokenBytes));
        return _shards[first..];
    }
}
