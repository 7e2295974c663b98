namespace Crosshead.Serving;

/// <summary>Calls that were submitted together, and that wait as one request.</summary>
/// <param name="calls">How many.</param>
internal sealed class Submission(int calls)
{
    /// <summary>Those that have not ended.</summary>
    public int Open { get; set; } = calls;

    /// <summary>Those of them whose readers are far behind.</summary>
    public int Full { get; set; }
}
