using System.Security.Cryptography;
using System.Text.Json;
using Crosshead.Files;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Formats;

namespace Crosshead.Text.Tokenizers;

/// <summary>The files of a tokenizer as they were read or are written, without tokenizer_config.json.</summary>
internal sealed class TokenizerFiles(Lazy<IReadOnlyList<(string Name, byte[] Content)>> files)
{
    /// <summary>Holds files that were read.</summary>
    public TokenizerFiles(IReadOnlyList<(string Name, byte[] Content)> files)
        : this(new Lazy<IReadOnlyList<(string, byte[])>>(files))
    {
    }

    /// <summary>The file of a tokenizer that no file describes; it is made when it is asked for.</summary>
    public static TokenizerFiles Of(TokenizerDefinition definition) =>
        new(new Lazy<IReadOnlyList<(string, byte[])>>(
            () => [(Tokenizer.FileName, TokenizerWriter.Write(definition))]));

    /// <summary>Loads the tokenizer at <paramref name="path"/>, a file or a folder.</summary>
    /// <exception cref="CrossheadException">It is missing, damaged, or not supported.</exception>
    public static Tokenizer Load(string path)
    {
        var file = Directory.Exists(path) ? Find(path) ?? Path.Combine(path, Tokenizer.FileName) : path;
        if (!File.Exists(file))
            throw new CrossheadException($"tokenizer {file} {InputFile.Absence(file)}; name a tokenizer.json or "
                + $"tokenizer.model or the folder of one, or make one with: {MessageTerm.BpeTrainer}.");
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var configFile = Path.Combine(folder, TokenizerConfig.FileName);
        try
        {
            var config = File.Exists(configFile) ? TokenizerConfig.Read(configFile) : null;
            var content = InputFile.ReadBytes(file);
            if (Path.GetExtension(file) == Path.GetExtension(SentencePieceReader.FileName))
                return Build([(SentencePieceReader.FileName, content)],
                    SentencePieceReader.Read(content, config, file));
            if (Path.GetFileName(file) != VocabularyMergesReader.VocabularyName)
                return new Tokenizer(content, config, file);
            var merges = InputFile.ReadBytes(Path.Combine(folder, VocabularyMergesReader.MergesName));
            return Build([(VocabularyMergesReader.VocabularyName, content), (VocabularyMergesReader.MergesName,
                merges)], VocabularyMergesReader.Read(content, merges, config, folder));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot read tokenizer {file}: {e.Reason()}; make it readable, or name "
                + "another.", e);
        }
    }

    /// <summary>Writes the files and the configuration beside them.</summary>
    /// <exception cref="CrossheadException">They cannot be written, or <paramref name="path"/> is a .json file and
    /// there is no tokenizer.json.</exception>
    public void Save(string path, TokenizerConfig config)
    {
        var single = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
        if (single && files.Value[0].Name != Tokenizer.FileName)
            throw new CrossheadException(
                $"this tokenizer consists of {string.Join(" and ", files.Value.Select(file => file.Name))}, which "
                + $"cannot be written as \"{path}\"; name a folder.");
        var folder = single ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        NewFolder.Make(folder);
        foreach (var (name, content) in files.Value)
            AtomicFile.Write(single ? path : Path.Combine(folder, name), stream => stream.Write(content));
        AtomicFile.Write(Path.Combine(folder, TokenizerConfig.FileName), stream => stream.Write(config.ToJson()));
    }

    /// <summary>Whether a file and those beside it are these files, byte for byte.</summary>
    /// <param name="file">The file with which loading a folder's tokenizer begins.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file cannot be read.</exception>
    public bool BeginWith(string file)
    {
        var folder = Path.GetDirectoryName(file)!;
        return files.Value[0].Name == Path.GetFileName(file) && files.Value.All(own =>
            new FileInfo(Path.Combine(folder, own.Name)) is { Exists: true } there
            && there.Length == own.Content.Length
            && InputFile.ReadBytes(there.FullName).AsSpan().SequenceEqual(own.Content));
    }

    /// <summary>The identity of the tokenizer <paramref name="definition"/> that was read from the files.</summary>
    public string Sha256(TokenizerDefinition definition)
    {
        if (files.Value[0].Name == Tokenizer.FileName)
            return CanonicalJson.TokenizerSha256(files.Value[0].Content);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (_, content) in files.Value)
            hash.AppendData(SHA256.HashData(content));
        // What tokenizer_config.json decided.
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(new
        {
            definition.AddedTokens,
            definition.Prefix,
            definition.Suffix,
            definition.PrefixSpace,
            definition.Pattern,
            definition.Metaspace,
            Steps = definition.Normalizer.Steps.Count,
        }));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// The file with which loading the tokenizer of a folder begins, for every form of tokenizer; null if there is
    /// none.
    /// </summary>
    public static string? Find(string folder) =>
        new[] { Tokenizer.FileName, SentencePieceReader.FileName, VocabularyMergesReader.VocabularyName }
        .Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    private static Tokenizer Build(IReadOnlyList<(string, byte[])> files,
        (TokenizerDefinition Definition, TokenizerConfig Config) read) =>
        new(new TokenizerFiles(files), read.Definition, read.Config);
}
