using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Formats;
using Crosshead.Text.Tokenizers.Models;
using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers;

/// <summary>
/// Converts text to token ids and back, with the ids of Hugging Face's tokenizers. It supports byte-level BPE (GPT-2,
/// Llama 3, Qwen, SmolLM, Mistral Nemo, and tokenizers of <see cref="Training.BpeTrainer"/>) and SentencePiece's BPE
/// (Llama 2, Mistral). It reads a tokenizer.json, a tokenizer.model, or a vocab.json with its merges.txt. Immutable and
/// safe for several threads.
/// </summary>
public sealed class Tokenizer
{
    /// <summary>The name of the file in a model or data folder.</summary>
    public const string FileName = "tokenizer.json";

    /// <summary>The name of the file beside the tokenizer that says which tokens begin and end a document.</summary>
    public const string ConfigFileName = TokenizerConfig.FileName;

    private readonly TokenizerDefinition _definition;
    private readonly ITokenizerModel _model;
    private readonly AddedTokenMatcher _verbatim;   // added tokens that are looked for in the text as it is given
    private readonly AddedTokenMatcher _normalized; // and those that are looked for once it is normalized
    private readonly TokenizerFiles _files;
    private readonly TokenizerConfig _config;
    private readonly Lazy<string> _sha256;

    internal Tokenizer(byte[] json, TokenizerConfig? config, string name)
        : this(new TokenizerFiles([(FileName, json)]), TokenizerReader.Read(json, name), config)
    {
    }

    internal Tokenizer(TokenizerDefinition definition, TokenizerConfig config)
        : this(TokenizerFiles.Of(definition), definition, config)
    {
    }

    internal Tokenizer(TokenizerFiles files, TokenizerDefinition definition, TokenizerConfig? config)
    {
        _files = files;
        _definition = definition;
        _model = definition.ByteLevel ? new ByteLevelModel(definition) : new CharacterModel(definition);
        _verbatim = new AddedTokenMatcher(definition.AddedTokens.Where(token => !token.Normalized),
            NormalizerSequence.None);
        _normalized = new AddedTokenMatcher(definition.AddedTokens.Where(token => token.Normalized),
            definition.Normalizer);
        _config = config ?? TokenizerConfig.Guess(definition.AddedTokens);
        _sha256 = new Lazy<string>(() => _files.Sha256(_definition));
        EosTokenId = _config.EosToken is { } eos ? definition.Vocabulary.IdOf(eos) : null;
        BosTokenId = _config.BosToken is { } bos ? definition.Vocabulary.IdOf(bos) : null;
    }

    /// <summary>One more than the largest token id: the smallest possible size of an embedding table.</summary>
    public int VocabularySize => _definition.Vocabulary.Size;

    /// <summary>
    /// The token that ends a document, from tokenizer_config.json or by its usual name; null if there is none.
    /// </summary>
    public int? EosTokenId { get; }

    /// <summary>The token that ends a document, for data that need one.</summary>
    /// <exception cref="CrossheadException">The tokenizer has none.</exception>
    internal int RequireEosToken() => EosTokenId ?? throw new CrossheadException(
        "the tokenizer has no end token; name its eos_token in the tokenizer_config.json beside it.");

    /// <summary>The token that begins a document, found like <see cref="EosTokenId"/>; null if there is none.</summary>
    public int? BosTokenId { get; }

    /// <summary>The token that fills up batches, by tokenizer_config.json; null if it names none.</summary>
    public int? PadTokenId => _config.PadToken is { } pad ? _definition.Vocabulary.IdOf(pad) : null;

    /// <summary>The contents of its files.</summary>
    internal TokenizerDefinition Definition => _definition;

    /// <summary>
    /// Whether tokenizer_config.json asks for decoded text to be cleaned (<c>clean_up_tokenization_spaces</c>), as
    /// Transformers' decode does. <see cref="Decode"/> never cleans: it returns the text of the tokens.
    /// </summary>
    public bool CleansUpSpaces => _config.CleansUpSpaces;

    /// <summary>Tokens for a fixed text, including special tokens.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _definition.AddedTokens;

    /// <summary>
    /// The tokenizer's identity: SHA-256 in lower-case hexadecimal, over the parts of its files that determine ids. The
    /// layout of a tokenizer.json does not matter.
    /// </summary>
    public string Sha256 => _sha256.Value;

    /// <summary>Whether this is the tokenizer in a file. A file with the bytes of this one's is not loaded.</summary>
    /// <param name="file">The file with which loading a folder's tokenizer begins.</param>
    /// <returns>False also for files that are none of the tokenizers that can be read.</returns>
    internal bool IsIn(string file)
    {
        try
        {
            return _files.BeginWith(file) || Load(file).Sha256 == Sha256;
        }
        catch (Exception e) when (e is CrossheadException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Loads a tokenizer, and the tokenizer_config.json beside it if there is one.</summary>
    /// <param name="path">A tokenizer.json, a tokenizer.model, or the folder of either or of vocab.json and
    /// merges.txt.</param>
    /// <exception cref="CrossheadException">A file is missing, damaged, or uses a feature that is not
    /// supported.</exception>
    public static Tokenizer Load(string path) => TokenizerFiles.Load(path);

    /// <summary>Encodes a text.</summary>
    /// <param name="text">Any text; half of a surrogate pair is encoded as U+FFFD.</param>
    /// <param name="addSpecialTokens">Whether to add the tokens of the file's template, such as Llama's begin
    /// token.</param>
    /// <param name="parseSpecialTokens">Whether the names of special tokens in the text become those tokens. Use false
    /// for text from other people, which then cannot fake an end of document.</param>
    public int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens = true, bool parseSpecialTokens = true)
    {
        var ids = new List<int>(text.Length / 3 + 4);
        Encode(text, ids, addSpecialTokens, parseSpecialTokens);
        return [.. ids];
    }

    /// <summary>Encodes a text and appends the ids to <paramref name="ids"/>; see the other overload.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="ids">Where ids are appended.</param>
    /// <param name="addSpecialTokens">Whether to add the tokens of the file's template.</param>
    /// <param name="parseSpecialTokens">Whether names of special tokens in the text become those tokens.</param>
    public void Encode(ReadOnlySpan<char> text, List<int> ids, bool addSpecialTokens = true,
        bool parseSpecialTokens = true)
    {
        if (addSpecialTokens)
            ids.AddRange(_definition.Prefix);
        if (!_verbatim.Any(text))
            EncodeVerbatim(text, first: true, parseSpecialTokens, ids);
        else
            foreach (var piece in _verbatim.Split(text, parseSpecialTokens))
                if (piece.Id == TextPiece.Plain)
                    EncodeVerbatim(text[piece.Start..piece.End], piece.Start == 0, parseSpecialTokens, ids);
                else
                    ids.Add(piece.Id);
        if (addSpecialTokens)
            ids.AddRange(_definition.Suffix);
    }

    private void EncodeVerbatim(ReadOnlySpan<char> text, bool first, bool special, List<int> ids)
    {
        if (_definition.Normalizer.Normalize(text) is { } normalized)
            text = normalized;
        if (!_normalized.Any(text))
            _model.Encode(text, first, ids);
        else
            foreach (var piece in _normalized.Split(text, special))
                if (piece.Id == TextPiece.Plain)
                    _model.Encode(text[piece.Start..piece.End], first && piece.Start == 0, ids);
                else
                    ids.Add(piece.Id);
    }

    /// <summary>
    /// Decodes ids. A byte-level tokenizer returns any valid Unicode text as its normalizer left it. The exception is a
    /// vocabulary that lacks one of the text's bytes: SmolLM2's lacks bytes of a few rare characters.
    /// </summary>
    /// <param name="ids">Token ids; bytes that are not UTF-8 become U+FFFD.</param>
    /// <param name="skipSpecialTokens">Whether to omit special tokens.</param>
    /// <exception cref="CrossheadException">An id is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var stream = new DecodeStream(this, _model.CreateDecoder(), skipSpecialTokens);
        foreach (var id in ids)
            stream.Append(id);
        return stream.Finish();
    }

    /// <summary>Begins decoding one sequence id by id.</summary>
    /// <param name="skipSpecialTokens">Whether to omit special tokens.</param>
    public DecodeStream CreateDecodeStream(bool skipSpecialTokens = true) =>
        new(this, _model.CreateDecoder(), skipSpecialTokens);

    /// <summary>The id of a token as the vocabulary writes it (a space as Ġ or ▁), or null.</summary>
    /// <param name="token">The token.</param>
    public int? TokenToId(string token) => _definition.Vocabulary.IdOf(token);

    /// <summary>The token of an id as the vocabulary writes it, or null.</summary>
    /// <param name="id">The id.</param>
    public string? IdToToken(int id) => _definition.Vocabulary.TokenOf(id);

    /// <summary>
    /// The bytes that a token stands for within a text, which may be a part of a character; of a special token its
    /// name. Empty if the id is not in the vocabulary.
    /// </summary>
    /// <param name="id">The id.</param>
    public ReadOnlySpan<byte> BytesOf(int id) => id < 0 || id >= VocabularySize ? [] : _model.BytesOf(id);

    /// <summary>
    /// Writes the files of the tokenizer, byte for byte as they were read or trained, and tokenizer_config.json beside
    /// them.
    /// </summary>
    /// <param name="path">The folder, which is created if it does not exist; or the path of a tokenizer.json if it ends
    /// in <c>.json</c>.</param>
    /// <exception cref="CrossheadException">The files cannot be written, or there is no tokenizer.json.</exception>
    public void Save(string path) => _files.Save(path, _config);

    internal bool Has(int id) => _definition.Vocabulary.Has(id);

    internal bool IsSpecial(int id) => _definition.Vocabulary.Added.TryGetValue(id, out var token) && token.Special;

    internal void RequireId(int id) => _definition.Vocabulary.RequireId(id);
}
