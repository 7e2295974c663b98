namespace Crosshead.Data.Sources;

/// <summary>Where a plain text file is split into documents. Line ends stay unchanged in the documents.</summary>
/// <param name="Kind">The rule.</param>
/// <param name="Line">For <see cref="TextSplitKind.Separator"/>, the line between documents, which is dropped.</param>
public readonly record struct TextSplit(TextSplitKind Kind, string? Line = null)
{
    /// <summary>
    /// At form feeds and lines <c>&lt;|endoftext|&gt;</c> if the first mebibyte has one, otherwise like
    /// <see cref="Paragraphs"/>.
    /// </summary>
    public static TextSplit Auto => new(TextSplitKind.Auto);

    /// <summary>
    /// At the first blank line after 4 KiB of text, or at any line end after 16 KiB, so that one long file has several
    /// documents, some of them held out.
    /// </summary>
    public static TextSplit Paragraphs => new(TextSplitKind.Paragraphs);

    /// <summary>No splits: a file is one document. It is cut at a line end every 16 MiB to limit memory.</summary>
    public static TextSplit File => new(TextSplitKind.File);

    /// <summary>Reads <c>auto</c>, <c>paragraphs</c>, <c>file</c>, or the text of a separating line.</summary>
    /// <param name="text">What a user wrote.</param>
    /// <exception cref="CrossheadException">The text is empty.</exception>
    public static TextSplit Parse(string text) => text switch
    {
        "auto" => Auto,
        "paragraphs" => Paragraphs,
        "file" => File,
        "" => throw new CrossheadException("splitOn (\"\") must be auto, paragraphs, file, or the line that separates "
            + "documents, such as <|endoftext|>."),
        _ => new TextSplit(TextSplitKind.Separator, text),
    };

    /// <summary>What <see cref="Parse"/> reads.</summary>
    public override string ToString() => Kind switch
    {
        TextSplitKind.Paragraphs => "paragraphs",
        TextSplitKind.File => "file",
        TextSplitKind.Separator => Line!,
        _ => "auto",
    };
}
