using System.Runtime.InteropServices;

namespace Crosshead.Data;

/// <summary>
/// Text to token ids and back, as Hugging Face's tokenizer.json describes it: byte-level BPE (GPT-2, Llama 3,
/// Qwen 2, SmolLM, and what <see cref="BpeTrainer"/> makes) and Llama 2's BPE with byte fallback. Immutable and
/// safe to use from several threads.
/// </summary>
public sealed class Tokenizer
{
    /// <summary>The name of the file in a model or data folder.</summary>
    public const string FileName = "tokenizer.json";

    private readonly TokenizerDefinition _definition;
    private readonly ITokenizerModel _model;
    private readonly AddedTokenMatcher _allAdded;
    private readonly AddedTokenMatcher _plainAdded; // those that are read from any text: not special
    private readonly byte[] _json;
    private readonly TokenizerConfig _config;
    private readonly Lazy<string> _sha256;

    internal Tokenizer(byte[] json, TokenizerConfig? config, string name)
    {
        _json = json;
        _definition = TokenizerReader.Read(json, name);
        _model = _definition.ByteLevel ? new ByteLevelModel(_definition) : new ByteFallbackModel(_definition);
        _allAdded = new AddedTokenMatcher(_definition.AddedTokens);
        _plainAdded = new AddedTokenMatcher(_definition.AddedTokens.Where(token => !token.Special));
        _config = config ?? TokenizerConfig.Guess(_definition.AddedTokens);
        _sha256 = new Lazy<string>(() => CanonicalJson.TokenizerSha256(_json));
        EosTokenId = _config.EosToken is { } eos ? _definition.Vocabulary.IdOf(eos) : null;
        BosTokenId = _config.BosToken is { } bos ? _definition.Vocabulary.IdOf(bos) : null;
    }

    /// <summary>One more than the largest token id: the least size of an embedding table.</summary>
    public int VocabularySize => _definition.Vocabulary.Size;

    /// <summary>The token that ends a document, from tokenizer_config.json or by its usual name; null without one.</summary>
    public int? EosTokenId { get; }

    /// <summary>The token that begins a document, found as <see cref="EosTokenId"/> is; null without one.</summary>
    public int? BosTokenId { get; }

    /// <summary>Tokens that stand for a fixed text, special ones among them.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _definition.AddedTokens;

    /// <summary>
    /// The tokenizer's identity: SHA-256, in lower-case hexadecimal, over the parts of tokenizer.json that decide
    /// about ids, whatever the file's layout.
    /// </summary>
    public string Sha256 => _sha256.Value;

    /// <summary>Loads a tokenizer.json, with the tokenizer_config.json beside it where there is one.</summary>
    /// <param name="path">The file, or the folder it is in.</param>
    /// <exception cref="CrossheadException">The file is missing, damaged, or uses a feature that is not supported.</exception>
    public static Tokenizer Load(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, FileName) : path;
        if (!File.Exists(file))
            throw new CrossheadException($"tokenizer {file} does not exist; name a tokenizer.json or its folder, or make one with: crosshead tokenizer train.");
        var config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, TokenizerConfig.FileName);
        try
        {
            return new Tokenizer(File.ReadAllBytes(file), File.Exists(config) ? TokenizerConfig.Read(config) : null, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot read tokenizer {file}: {e.Message}", e);
        }
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">Any text; half of a surrogate pair is encoded as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether to add what the file's template adds, such as Llama's begin token.</param>
    /// <param name="parseSpecialTokens">Whether the names of special tokens in the text become those tokens; say
    /// false for text from elsewhere, which then cannot forge an end of document.</param>
    public int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens = true, bool parseSpecialTokens = true)
    {
        var ids = new List<int>(text.Length / 3 + 4);
        Encode(text, ids, addSpecialTokens, parseSpecialTokens);
        return [.. ids];
    }

    /// <summary>Encodes a text onto the end of <paramref name="ids"/>; see the other overload.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="ids">Where ids are appended.</param>
    /// <param name="addSpecialTokens">Whether to add what the file's template adds.</param>
    /// <param name="parseSpecialTokens">Whether names of special tokens in the text become those tokens.</param>
    public void Encode(ReadOnlySpan<char> text, List<int> ids, bool addSpecialTokens = true, bool parseSpecialTokens = true)
    {
        if (addSpecialTokens)
            ids.AddRange(CollectionsMarshal.AsSpan(_definition.Prefix));
        var matcher = parseSpecialTokens ? _allAdded : _plainAdded;
        while (matcher.Next(text, out var index) is { } token)
        {
            _model.Encode(text[..index], ids);
            ids.Add(token.Id);
            text = text[(index + token.Content.Length)..];
        }
        _model.Encode(text, ids);
        if (addSpecialTokens)
            ids.AddRange(CollectionsMarshal.AsSpan(_definition.Suffix));
    }

    /// <summary>Decodes ids; for byte-level tokenizers the inverse of encoding any valid Unicode text.</summary>
    /// <param name="ids">Token ids; bytes that are not UTF-8 become U+FFFD.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    /// <exception cref="CrossheadException">An id is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var stream = new DecodeStream(this, _model.CreateDecoder(streaming: false), skipSpecialTokens);
        foreach (var id in ids)
            stream.Append(id);
        return stream.Finish();
    }

    /// <summary>Begins decoding one sequence id by id.</summary>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    public DecodeStream CreateDecodeStream(bool skipSpecialTokens = true) =>
        new(this, _model.CreateDecoder(streaming: true), skipSpecialTokens);

    /// <summary>The id of a token as the vocabulary writes it (a space as Ġ or ▁), or null.</summary>
    /// <param name="token">The token.</param>
    public int? TokenToId(string token) => _definition.Vocabulary.IdOf(token);

    /// <summary>The token of an id as the vocabulary writes it, or null.</summary>
    /// <param name="id">The id.</param>
    public string? IdToToken(int id) => _definition.Vocabulary.TokenOf(id);

    /// <summary>Writes tokenizer.json, byte for byte as it was read or trained, and tokenizer_config.json beside it.</summary>
    /// <param name="path">The folder, made if need be, or the path of the file if it ends in <c>.json</c>.</param>
    /// <exception cref="CrossheadException">The files cannot be written.</exception>
    public void Save(string path)
    {
        var file = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? path : Path.Combine(path, FileName);
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"cannot make the folder {folder}: {e.Message} Choose another place.", e);
        }
        AtomicFile.Write(file, _json);
        AtomicFile.Write(Path.Combine(folder, TokenizerConfig.FileName), _config.ToJson());
    }

    internal bool IsSpecial(int id) => _definition.Vocabulary.Added.TryGetValue(id, out var token) && token.Special;

    internal void RequireId(int id) => _definition.Vocabulary.Require(id);
}
