using Crosshead.Text.Grammars;

namespace Crosshead.Serving.Constraints;

/// <summary>
/// Keeps one sequence within a grammar: a token is allowed if the text still is the beginning of one that fits.
/// </summary>
public sealed class GrammarConstraint : ITokenConstraint
{
    private readonly TokenMasks _masks;
    private GrammarState? _state;
    private ulong[]? _allowed;

    /// <summary>Begins a sequence.</summary>
    /// <param name="grammar">The form of the text.</param>
    /// <param name="masks">The masks of the model's tokenizer.</param>
    public GrammarConstraint(Grammar grammar, TokenMasks masks)
    {
        ArgumentNullException.ThrowIfNull(grammar);
        ArgumentNullException.ThrowIfNull(masks);
        (_masks, _state) = (masks, grammar.Begin);
    }

    /// <inheritdoc/>
    public bool MayEnd => _state?.MayEnd ?? true;

    /// <inheritdoc/>
    public ReadOnlySpan<ulong> Allowed => _allowed ??= _state is null ? _masks.None : _masks.Allowed(_state);

    /// <inheritdoc/>
    public void Accept(int id)
    {
        // An end token leads out of the grammar. Nothing follows it.
        var bytes = _masks.BytesOf(id);
        _state = bytes.IsEmpty ? null : _state?.Next(bytes);
        _allowed = null;
    }
}
