namespace Crosshead.Data.Sources;

/// <summary>The rules of <see cref="TextSplit"/>.</summary>
public enum TextSplitKind
{
    /// <summary>See <see cref="TextSplit.Auto"/>.</summary>
    Auto,

    /// <summary>See <see cref="TextSplit.Paragraphs"/>.</summary>
    Paragraphs,

    /// <summary>See <see cref="TextSplit.File"/>.</summary>
    File,

    /// <summary>At lines equal to <see cref="TextSplit.Line"/>.</summary>
    Separator,
}
