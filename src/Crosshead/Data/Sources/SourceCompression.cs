namespace Crosshead.Data.Sources;

/// <summary>How a source file is compressed as a whole, from its last extension.</summary>
public enum SourceCompression
{
    /// <summary>Not compressed.</summary>
    None,

    /// <summary>gzip, <c>.gz</c>, of one or several members.</summary>
    Gzip,

    /// <summary>Zstandard, <c>.zst</c>.</summary>
    Zstandard,
}
