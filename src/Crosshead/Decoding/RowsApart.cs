namespace Crosshead.Decoding;

/// <summary>Why rows of a pass cannot be kept apart (<see cref="PassPieces.FixedRows"/>).</summary>
internal static class RowsApart
{
    /// <summary>The failure for a reason.</summary>
    public static CrossheadException Refusal(string reason) => new($"answers that do not depend on what is computed "
        + $"beside them are not possible: {reason}; leave {MessageTerm.Deterministic} away.");
}
