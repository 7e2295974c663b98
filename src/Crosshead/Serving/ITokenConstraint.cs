namespace Crosshead.Serving;

/// <summary>Which tokens may come next in one sequence. It follows the sequence token by token.</summary>
public interface ITokenConstraint
{
    /// <summary>
    /// Whether the sequence may end here. If so, the engine allows the end tokens too.
    /// </summary>
    bool MayEnd { get; }

    /// <summary>
    /// The allowed tokens, one bit per row of the logits, the lowest bit first; valid until the next
    /// <see cref="Accept"/>. If no token is allowed, the sequence ends.
    /// </summary>
    ReadOnlySpan<ulong> Allowed { get; }

    /// <summary>Follows a drawn token, which was allowed.</summary>
    void Accept(int id);
}
