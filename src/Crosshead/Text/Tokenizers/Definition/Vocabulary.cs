namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>The tokens of a tokenizer by id and by name, including added tokens.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _model;
    private readonly Dictionary<string, int> _added = [];
    private readonly string?[] _tokens;

    /// <summary>
    /// Joins the tokens of the model with the added tokens. An added token takes its id from the model's token.
    /// </summary>
    public Vocabulary(Dictionary<string, int> model, IReadOnlyList<AddedToken> added)
    {
        _model = model;
        var last = Math.Max(model.Count == 0 ? -1 : model.Values.Max(),
            added.Select(token => token.Id).DefaultIfEmpty(-1).Max());
        _tokens = new string?[last + 1];
        foreach (var (token, id) in model)
            _tokens[id] = token;
        foreach (var token in added)
        {
            _tokens[token.Id] = token.Content;
            _added[token.Content] = token.Id;
        }
        Added = added.ToDictionary(token => token.Id);
    }

    /// <summary>One more than the largest id.</summary>
    public int Size => _tokens.Length;

    /// <summary>The added tokens by id.</summary>
    public Dictionary<int, AddedToken> Added { get; }

    /// <summary>The model's own tokens: those that merging can make.</summary>
    public IReadOnlyDictionary<string, int> Model => _model;

    /// <summary>The id of a token, or null.</summary>
    public int? IdOf(string token) => _added.TryGetValue(token, out var id) ? id : ModelIdOf(token);

    /// <summary>The id of a token of the model, or null.</summary>
    public int? ModelIdOf(string token) => _model.TryGetValue(token, out var id) ? id : null;

    /// <summary>The id of a token of the model, or null.</summary>
    public int? ModelIdOf(ReadOnlySpan<char> token) =>
        _model.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var id) ? id : null;

    /// <summary>The token of an id as the file writes it, or null.</summary>
    public string? TokenOf(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>The token of an id that must exist.</summary>
    public string Require(int id) =>
        TokenOf(id) ?? throw new CrossheadException(
            $"token id {id} is not in the vocabulary, which has {Size} tokens (0 to {Size - 1}); decode with the "
                + $"tokenizer that encoded.");

    /// <summary>
    /// Ids of the 256 single bytes, -1 where absent, under the name <paramref name="nameOf"/> gives them.
    /// </summary>
    public int[] ByteIds(Func<byte, string> nameOf)
    {
        var ids = new int[256];
        for (var b = 0; b < 256; b++)
            ids[b] = ModelIdOf(nameOf((byte)b)) ?? -1;
        return ids;
    }
}
