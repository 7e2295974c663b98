using System.Text.Json;
using System.Text.Json.Serialization;

namespace Crosshead.Data.Shards;

/// <summary>What a prepared folder holds: <c>manifest.json</c>, written last, so its presence means the folder is complete.</summary>
public sealed record ShardManifest
{
    /// <summary>The file's name in the folder.</summary>
    public const string FileName = "manifest.json";

    /// <summary>The format's version that this library writes and reads.</summary>
    public const int CurrentVersion = 1;

    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n",
        NumberHandling = JsonNumberHandling.Strict,
        RespectNullableAnnotations = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter<TokenType>(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>The format's version.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The version of Crosshead that wrote the shards.</summary>
    public required string Crosshead { get; init; }

    /// <summary><see cref="ITextEncoder.Hash"/> of the tokenizer; a copy of its <c>tokenizer.json</c> lies beside the manifest.</summary>
    public required string TokenizerHash { get; init; }

    /// <summary>Ids are in 0 … size − 1.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The id after every document.</summary>
    public required int EndToken { get; init; }

    /// <summary>Width of a stored id.</summary>
    public required TokenType TokenType { get; init; }

    /// <summary>How the shards were made.</summary>
    public required DataPreparationOptions Options { get; init; }

    /// <summary>The files read, in order.</summary>
    public required IReadOnlyList<SourceEntry> Sources { get; init; }

    /// <summary>Shards to train on.</summary>
    public required SplitManifest Train { get; init; }

    /// <summary>Shards kept for evaluation; may hold nothing.</summary>
    public required SplitManifest HeldOut { get; init; }

    /// <summary>Bytes of one stored id.</summary>
    internal int TokenBytes => TokenType == TokenType.UInt16 ? 2 : 4;

    /// <summary>Reads a prepared folder's manifest.</summary>
    /// <exception cref="CrossheadException">There is no manifest, or it cannot be understood.</exception>
    public static ShardManifest Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            throw new CrossheadException($"\"{folder}\" is no prepared data set: {FileName} is missing; make one with: crosshead data prepare INPUT --tokenizer tokenizer.json --out \"{folder}\".");
        try
        {
            var manifest = JsonSerializer.Deserialize<ShardManifest>(File.ReadAllBytes(path), Json) ?? throw new JsonException("it is null");
            if (manifest.Version != CurrentVersion)
                throw new CrossheadException($"\"{path}\" has format version {manifest.Version}; this Crosshead reads {CurrentVersion}; prepare the data again or use the Crosshead that wrote it ({manifest.Crosshead}).");
            manifest.Check();
            return manifest;
        }
        catch (JsonException e)
        {
            throw new CrossheadException($"\"{path}\" is corrupt: {e.Message.Split('\n')[0].TrimEnd('.')}; prepare the data again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"\"{path}\" cannot be read: {e.Message}", e);
        }
    }

    internal void Write(string folder) => AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json) + "\n");

    private void Check()
    {
        if (VocabularySize < 1) throw new JsonException($"vocabularySize is {VocabularySize}");
        if (TokenType == TokenType.UInt16 && VocabularySize > 65536) throw new JsonException($"vocabularySize {VocabularySize} does not fit tokens of type uInt16");
        foreach (var shard in Train.Shards.Concat(HeldOut.Shards))
        {
            if (shard is null) throw new JsonException("a shard is null");
            if (shard.Tokens < 1) throw new JsonException($"shard \"{shard.File}\" has {shard.Tokens} tokens");
            if (Path.GetFileName(shard.File) != shard.File || shard.File.Length == 0) throw new JsonException($"shard \"{shard.File}\" is no plain file name");
        }
    }
}
