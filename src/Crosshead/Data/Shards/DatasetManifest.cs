using System.Security.Cryptography;
using System.Text;

namespace Crosshead.Data.Shards;

/// <summary>
/// The contents of a prepared data folder: <c>manifest.json</c>, which is written last, so a folder with a manifest is
/// complete. Shards are raw little-endian token ids, document after document. Each document ends with the end token,
/// except a document that a model wrote until it began the next one or until its context was full.
/// </summary>
public sealed record DatasetManifest
{
    /// <summary>The file's name in the data folder.</summary>
    public const string FileName = "manifest.json";

    /// <summary>The version this code writes and reads.</summary>
    public const int CurrentVersion = 1;

    // More than any shard holds, and small enough that bytes and sums do not overflow.
    private const long MostShardTokens = 1L << 40;

    /// <summary>The version of the format.</summary>
    public required int Version { get; init; }

    /// <summary>The version of Crosshead that wrote the folder.</summary>
    public required string Crosshead { get; init; }

    /// <summary><c>uint16</c> or <c>uint32</c>.</summary>
    public required string Dtype { get; init; }

    /// <summary>The tokenizer's <see cref="Text.Tokenizers.Tokenizer.VocabularySize"/>.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The token that ends every document.</summary>
    public required int EndTokenId { get; init; }

    /// <summary>The part trained on.</summary>
    public required SplitInfo Train { get; init; }

    /// <summary>The part kept aside.</summary>
    public required SplitInfo HeldOut { get; init; }

    /// <summary>What the folder was made from.</summary>
    public required PreparationRequest Request { get; init; }

    /// <summary>Rows of the input that had no text (null, empty or white space alone) and were left out.</summary>
    public long RowsLeftOut { get; init; }

    /// <summary>
    /// The data set's identity: SHA-256, in lower-case hexadecimal, over the tokenizer and the contents of all
    /// shards; checkpoints store it, and refuse to continue with other data.
    /// </summary>
    public string Identity()
    {
        var text = new StringBuilder($"{Version} {Request.TokenizerSha256} {Dtype}");
        foreach (var shard in Train.Shards.Concat(HeldOut.Shards))
            text.Append($" {shard.File} {shard.Tokens} {shard.Xxh128}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>Reads a data folder's manifest.</summary>
    /// <param name="directory">The folder.</param>
    /// <exception cref="CrossheadException">There is no manifest, or it is damaged or of another version.</exception>
    public static DatasetManifest Load(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            throw new CrossheadException(File.Exists(Path.Combine(directory, PreparationState.FileName))
                ? $"the data in {directory} is not finished; run the same preparation again to continue it."
                : $"{directory} has no {FileName}; make a data folder with: {MessageTerm.DataPreparation}");
        var manifest = DataJson.Read<DatasetManifest>(path, $"prepare the data again with {MessageTerm.Overwrite}.");
        if (manifest.Version != CurrentVersion)
            throw new CrossheadException($"{path} has version {manifest.Version}, but version {CurrentVersion} is "
                + $"read; prepare the data again with {MessageTerm.Overwrite}.");
        if (manifest.Dtype is not ("uint16" or "uint32"))
            throw new CrossheadException($"{path} has dtype \"{manifest.Dtype.Shown()}\", but uint16 or uint32 is "
                + $"read; prepare the data again with {MessageTerm.Overwrite}.");
        if (manifest.VocabularySize < 1)
            throw new CrossheadException($"{path}: vocabularySize is {manifest.VocabularySize}, at least 1 is needed; "
                + $"prepare the data again with {MessageTerm.Overwrite}.");
        if (manifest.TokenBytes == 2 && manifest.VocabularySize > ushort.MaxValue + 1)
            throw new CrossheadException($"{path}: {manifest.VocabularySize} tokens do not fit in uint16; prepare the "
                + $"data again with {MessageTerm.Overwrite}.");
        if (manifest.EndTokenId < 0 || manifest.EndTokenId >= manifest.VocabularySize)
            throw new CrossheadException($"{path}: endTokenId is {manifest.EndTokenId}, but ids go from 0 to "
                + $"{manifest.VocabularySize - 1}; prepare the data again with {MessageTerm.Overwrite}.");
        foreach (var shard in manifest.Train.Shards.Concat(manifest.HeldOut.Shards))
        {
            if (shard.Tokens is < 0 or > MostShardTokens)
                throw new CrossheadException($"{path}: shard {shard.File.Shown()} has {shard.Tokens} tokens, but 0 to "
                    + $"{MostShardTokens} are possible; prepare the data again with {MessageTerm.Overwrite}.");
            if (Path.GetFileName(shard.File) != shard.File || shard.File is "" or "." or ".."
                || shard.File.Contains('\0'))
                throw new CrossheadException($"{path}: \"{shard.File.Shown()}\" is no plain file name; prepare the "
                    + $"data again with {MessageTerm.Overwrite}.");
        }
        return manifest;
    }

    /// <summary>The part of the data set.</summary>
    /// <param name="split">Which.</param>
    public SplitInfo this[DataSplit split] => split == DataSplit.Train ? Train : HeldOut;

    /// <summary>Bytes of a token in the shards.</summary>
    internal int TokenBytes => Dtype == "uint16" ? 2 : 4;

    /// <summary>Checks that every shard has the length the manifest says.</summary>
    internal void RequireShards(string directory)
    {
        foreach (var shard in Train.Shards.Concat(HeldOut.Shards))
        {
            var file = new FileInfo(Path.Combine(directory, shard.File));
            if (!file.Exists)
                throw new CrossheadException(
                    $"shard {file.FullName} is missing; prepare the data again with {MessageTerm.Overwrite}.");
            if (file.Length != shard.Tokens * TokenBytes)
                throw new CrossheadException($"shard {file.FullName} has {file.Length} bytes, but the manifest says "
                    + $"{shard.Tokens * TokenBytes} ({shard.Tokens} tokens of {Dtype}); it is truncated or damaged, "
                    + $"prepare the data again with {MessageTerm.Overwrite}.");
        }
    }
}
