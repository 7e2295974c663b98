namespace Crosshead.Data.Sources;

/// <summary>How documents are found in files.</summary>
public sealed record DocumentReaderOptions
{
    /// <summary>The field of a JSON row or the Parquet column that holds a document's text.</summary>
    public string TextField { get; init; } = "text";

    /// <summary>
    /// Plain text without separators: paragraphs are joined into one document as long as it has at most this many
    /// characters, 1 to 1,000,000. A longer paragraph is a document of its own.
    /// </summary>
    public int DocumentCharacters { get; init; } = 4000;

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        if (string.IsNullOrEmpty(TextField)) throw new CrossheadException("the text field's name is empty; name the field that holds the text, for example text.");
        if (DocumentCharacters is < 1 or > 1_000_000)
            throw new CrossheadException($"characters a document ({DocumentCharacters}) must be 1 to 1000000; use 4000.");
    }
}
