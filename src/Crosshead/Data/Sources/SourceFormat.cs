namespace Crosshead.Data.Sources;

/// <summary>How a source file holds its documents.</summary>
public enum SourceFormat
{
    /// <summary>Plain UTF-8 text, split in documents by <see cref="TextSplit"/>.</summary>
    Text,

    /// <summary>One JSON object per line, with the document in a field.</summary>
    JsonLines,

    /// <summary>Apache Parquet, the documents in a column of strings.</summary>
    Parquet,
}
