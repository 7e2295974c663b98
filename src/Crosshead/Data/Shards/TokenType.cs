namespace Crosshead.Data.Shards;

/// <summary>How wide a stored token id is.</summary>
public enum TokenType
{
    /// <summary>Two bytes, for vocabularies of at most 65,536.</summary>
    UInt16,

    /// <summary>Four bytes.</summary>
    UInt32,
}
