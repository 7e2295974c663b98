using Crosshead.Text.Tokenizers;

namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// Turns a context and its continuation into tokens as lm-evaluation-harness does. Not for use by several threads at
/// once.
/// </summary>
public sealed class RequestEncoder
{
    private const int MostShown = 80;

    private readonly Tokenizer _tokenizer;
    private readonly int _maxLength;
    private readonly int? _begin;
    // the last one: the choices of a question have it in common
    private (string Text, List<int> Tokens) _context = ("", []);

    /// <summary>Prepares to encode.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="maxLength">Maximum number of tokens of the model.</param>
    /// <param name="addBegin">Whether the begin token stands before every context.</param>
    /// <exception cref="CrossheadException">A begin token is asked for, and the tokenizer has none.</exception>
    public RequestEncoder(Tokenizer tokenizer, int maxLength, bool addBegin = false)
    {
        (_tokenizer, _maxLength) = (tokenizer, maxLength);
        if (addBegin)
            _begin = tokenizer.BosTokenId
                ?? throw new CrossheadException($"a begin token was asked for, and the model's tokenizer has none; "
                + $"leave {MessageTerm.AddBos} out, or name its bos_token in tokenizer_config.json.");
    }

    /// <summary>
    /// The request for a continuation. Trailing spaces of the context are moved to the start of the continuation. The
    /// context, and the context with its continuation, are tokenized separately. The continuation is everything after
    /// the context's token count. An empty context is replaced by the begin token or the end token, unless the
    /// continuation begins with that token.
    /// </summary>
    /// <exception cref="CrossheadException">
    /// The continuation has no token of its own, because the tokenizer joins it with the end of the context; or the
    /// context has no tokens, and the tokenizer has neither a begin nor an end token.
    /// </exception>
    public ScoringRequest Encode(string context, string continuation)
    {
        var kept = context.AsSpan().TrimEnd().Length;
        (context, continuation) = (context[..kept], context[kept..] + continuation);
        if (_context.Text != context || _context.Tokens.Count == 0) _context = (context, Tokens(context));
        var (before, whole) = (_context.Tokens, Tokens(context + continuation));
        if (before.Count == 0 && whole.Count > 0)
            return whole.Count > 1 && whole[0] == Prefix
                ? ScoringRequest.Create([Prefix], [.. whole[1..]], _maxLength)
                : ScoringRequest.Create([Prefix], [.. whole], _maxLength);
        if (whole.Count <= before.Count)
            throw new CrossheadException($"the continuation {Shown(continuation)} has no token of its own after the "
                + $"context {Shown(context)}: the tokenizer joins its characters with the context's last ones, so "
                + $"nothing is left to score; begin each continuation with a space, or with the whole word.");
        return ScoringRequest.Create([.. before], [.. whole[before.Count..]], _maxLength);
    }

    /// <summary>Tokens of a prompt for generation. If too many, only the last tokens are kept.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="room">Tokens that must stay free for the answer.</param>
    /// <exception cref="CrossheadException">As <see cref="Encode"/>.</exception>
    public (int[] Tokens, bool Truncated) EncodePrompt(string prompt, int room)
    {
        var tokens = Tokens(prompt);
        if (tokens.Count == 0) tokens.Add(Prefix);
        var most = Math.Max(1, _maxLength - room);
        return tokens.Count <= most ? ([.. tokens], false) : ([.. tokens.Skip(tokens.Count - most)], true);
    }

    /// <summary>The token that stands before a text: the begin token, or the end token if there is none.</summary>
    /// <exception cref="CrossheadException">The tokenizer has neither.</exception>
    public static int PrefixOf(Tokenizer tokenizer) => tokenizer.BosTokenId ?? tokenizer.EosTokenId
        ?? throw new CrossheadException("the model's tokenizer has neither a begin nor an end token to stand before "
            + "the text; name its bos_token in tokenizer_config.json.");

    /// <summary>
    /// Cuts a text into scoring requests (see <see cref="ScoringRequest.Windows"/>), with <see cref="PrefixOf"/> before
    /// it.
    /// </summary>
    /// <exception cref="CrossheadException">The text has no tokens, or the tokenizer has neither a begin nor an end
    /// token.</exception>
    public IEnumerable<ScoringRequest> EncodeText(string text)
    {
        var tokens = _tokenizer.Encode(text, addSpecialTokens: false);
        if (tokens.Length == 0)
            throw new CrossheadException(
                $"the text {Shown(text)} has no tokens, so nothing is left to score; remove the row.");
        return ScoringRequest.Windows(Prefix, tokens, _maxLength);
    }

    // The end of a text, which is where it is joined, on one line.
    private static string Shown(string text) =>
        $"\"{(text.Length <= MostShown ? text : $"…{text[^MostShown..]}").Shown()}\"";

    private int Prefix => PrefixOf(_tokenizer);

    private List<int> Tokens(string text)
    {
        var ids = new List<int>();
        if (_begin is { } begin) ids.Add(begin);
        _tokenizer.Encode(text, ids, addSpecialTokens: false);
        return ids;
    }
}
