namespace Crosshead.Data.Shards;

/// <summary>
/// Data are sound, but not the ones that belong here: made from other text, with other options or with another
/// tokenizer.
/// </summary>
public sealed class DataMismatchException : CrossheadException
{
    /// <summary>Creates the error with its one-line message.</summary>
    public DataMismatchException(string message) : base(message) { }
}
