namespace Crosshead.Data.Batches;

/// <summary>Token ids to train on and to evaluate on: mapped from a prepared folder, or given in memory.</summary>
public sealed class TokenDataset : IDisposable
{
    private readonly List<TokenShard> _shards = [];

    private TokenDataset(string name, DatasetManifest manifest, string folder)
    {
        (Name, Manifest, VocabularySize, TokenizerHash) = (name, manifest, manifest.VocabularySize, manifest.Request.TokenizerSha256);
        try
        {
            Train = Split("train", manifest.Train, folder);
            HeldOut = Split("held-out", manifest.HeldOut, folder);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A data set of ids in memory.</summary>
    /// <param name="train">Ids to train on.</param>
    /// <param name="heldOut">Ids to evaluate on; may be empty.</param>
    /// <param name="vocabularySize">Every id is below it.</param>
    /// <param name="tokenizerHash">Who made the ids.</param>
    public TokenDataset(int[] train, int[] heldOut, int vocabularySize, string tokenizerHash)
    {
        (Name, VocabularySize, TokenizerHash) = ("the data in memory", vocabularySize, tokenizerHash);
        Train = new TokenSplit("train", [new TokenShard(train)], vocabularySize);
        HeldOut = new TokenSplit("held-out", [new TokenShard(heldOut)], vocabularySize);
    }

    /// <summary>What the data set is called in messages: its folder.</summary>
    public string Name { get; }

    /// <summary>The folder's manifest; null for data in memory.</summary>
    public DatasetManifest? Manifest { get; }

    /// <summary>Every id is below it.</summary>
    public int VocabularySize { get; }

    /// <summary>The hash of the tokenizer that made the ids.</summary>
    public string TokenizerHash { get; }

    /// <summary>Tokens to train on.</summary>
    public TokenSplit Train { get; }

    /// <summary>Tokens kept for evaluation; may be empty.</summary>
    public TokenSplit HeldOut { get; }

    /// <summary>Maps a prepared folder.</summary>
    /// <exception cref="CrossheadException">The manifest is missing or corrupt, or a shard is missing or not as long as the manifest says.</exception>
    public static TokenDataset Open(string folder) => new($"\"{folder}\"", DatasetManifest.Load(folder), folder);

    /// <summary>Refuses a model whose vocabulary is not the tokenizer's.</summary>
    /// <param name="vocabularySize">The model's vocabulary.</param>
    /// <exception cref="CrossheadException">The two differ.</exception>
    public void EnsureCompatible(int vocabularySize)
    {
        if (vocabularySize == VocabularySize) return;
        var effect = vocabularySize < VocabularySize ? "tokens of the data would have no embedding" : "embeddings would never be trained";
        throw new CrossheadException($"the model's vocabulary ({vocabularySize}) is {(vocabularySize < VocabularySize ? "smaller" : "larger")} than the tokenizer's ({VocabularySize}) of {Name}, so {effect}; set the model's vocabulary to {VocabularySize}.");
    }

    /// <summary>Refuses another tokenizer than the one that made the ids.</summary>
    /// <param name="tokenizerHash">The tokenizer to be used with the model.</param>
    /// <exception cref="CrossheadException">The two differ.</exception>
    public void EnsureTokenizer(string tokenizerHash)
    {
        if (tokenizerHash == TokenizerHash) return;
        throw new CrossheadException($"{Name} was made with another tokenizer (hash {TokenizerHash}) than the one given (hash {tokenizerHash}); use the tokenizer.json in that folder, or prepare the data again.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var shard in _shards) shard.Dispose();
        _shards.Clear();
    }

    private TokenSplit Split(string name, SplitInfo part, string folder)
    {
        var first = _shards.Count;
        foreach (var shard in part.Shards)
            _shards.Add(new TokenShard(Path.Combine(folder, shard.File), shard.Tokens, Manifest!.TokenBytes));
        return new TokenSplit(name, _shards[first..], VocabularySize);
    }
}
