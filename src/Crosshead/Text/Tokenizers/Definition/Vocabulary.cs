using System.Runtime.CompilerServices;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>The tokens of a tokenizer by id and by name, including added tokens.</summary>
internal sealed class Vocabulary
{
    private readonly TokenTexts _model;
    private readonly Dictionary<string, int> _added = [];

    /// <summary>
    /// Joins the tokens of the model with the added tokens. An added token takes its id from the model's token.
    /// </summary>
    public Vocabulary(TokenTexts model, IReadOnlyList<AddedToken> added)
    {
        _model = model;
        foreach (var token in added)
            _added[token.Content] = token.Id;
        Added = added.ToDictionary(token => token.Id);
        Size = Math.Max(model.Size, added.Count == 0 ? 0 : added.Max(token => token.Id) + 1);
    }

    /// <inheritdoc cref="Vocabulary(TokenTexts, IReadOnlyList{AddedToken})"/>
    public Vocabulary(IReadOnlyDictionary<string, int> model, IReadOnlyList<AddedToken> added)
        : this(TokenTexts.Of(model), added)
    {
    }

    /// <summary>One more than the largest id.</summary>
    public int Size { get; }

    /// <summary>The added tokens by id.</summary>
    public Dictionary<int, AddedToken> Added { get; }

    /// <summary>The model's own tokens, those that merging can make, in the order of their ids.</summary>
    public IEnumerable<KeyValuePair<string, int>> Model => _model.All;

    /// <summary>The id of a token, or null.</summary>
    public int? IdOf(string token) => _added.TryGetValue(token, out var id) ? id : ModelIdOf(token);

    /// <summary>The id of a token of the model, or null.</summary>
    public int? ModelIdOf(ReadOnlySpan<char> token) => _model.IdOf(token);

    /// <summary>The id of a token of the model, which is given in UTF-8, or null.</summary>
    public int? ModelIdOf(ReadOnlySpan<byte> token) => _model.IdOf(token);

    /// <summary>
    /// The ids of two tokens of the model and of the token whose text is theirs, one after the other. Each is -1 if
    /// there is none.
    /// </summary>
    /// <param name="left">The text of the one, in UTF-8.</param>
    /// <param name="right">The text of the other.</param>
    /// <param name="near">An id that the third probably has, or the one after that, where it is looked for
    /// first.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // into loops over hundreds of thousands of merges
    public Merge MergeOf(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, int near) =>
        new(_model.Find(left), _model.Find(right), _model.IsJoined(near, left, right) ? near
            : _model.IsJoined(near + 1, left, right) ? near + 1 : JoinedIdOf(left, right));

    private int JoinedIdOf(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        ModelIdOf([.. left, .. right]) ?? -1;

    /// <summary>Whether an id is a token's.</summary>
    public bool Has(int id) => Added.ContainsKey(id) || _model.Has(id);

    /// <summary>The token of an id as the file writes it, or null.</summary>
    public string? TokenOf(int id) => Added.TryGetValue(id, out var added) ? added.Content : _model.TextOf(id);

    /// <summary>The token of an id that must exist.</summary>
    public string Require(int id) => TokenOf(id) ?? throw Unknown(id);

    /// <summary>Checks that an id is a token's.</summary>
    public void RequireId(int id)
    {
        if (!Has(id)) throw Unknown(id);
    }

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

    private CrossheadException Unknown(int id) => new($"token id {id} is not in the vocabulary, which has {Size} "
        + $"tokens (0 to {Size - 1}); decode with the tokenizer that encoded.");
}
