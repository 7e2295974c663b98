namespace Crosshead.Data.Sources;

/// <summary>How documents are found inside source files.</summary>
public sealed record SourceOptions
{
    /// <summary>The field of a JSON line, or the column of a Parquet file, that holds the text.</summary>
    public string Field { get; init; } = "text";

    /// <summary>Where plain text is split in documents.</summary>
    public TextSplit SplitOn { get; init; } = TextSplit.Auto;

    /// <summary>Checks the values.</summary>
    /// <exception cref="CrossheadException">The field has no name.</exception>
    public void Validate()
    {
        if (string.IsNullOrEmpty(Field))
            throw new CrossheadException(
                "field (\"\") must name the JSON field or Parquet column that holds the text, such as text.");
    }
}
