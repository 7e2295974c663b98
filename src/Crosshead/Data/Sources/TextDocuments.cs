using System.Buffers;
using System.Text;

namespace Crosshead.Data.Sources;

/// <summary>Splits plain text in documents as <see cref="TextSplit"/> says.</summary>
internal static class TextDocuments
{
    private const int ParagraphBytes = 4 << 10;
    private const int LineBytes = 16 << 10;
    private const int LongestPiece = 64 << 10;
    private const int LongestDocument = 16 << 20;
    private const int SniffedBytes = 1 << 20;

    private const byte FormFeed = (byte)'\f';
    private static ReadOnlySpan<byte> EndOfText => "<|endoftext|>"u8;

    /// <summary>The documents of a stream, in order, without documents of only white space.</summary>
    public static IEnumerable<string> Read(Stream stream, string name, TextSplit split)
    {
        var lines = new SourceLines(stream, name, LongestPiece, cutLongLines: true);
        var separator = split.Line is null ? null : Encoding.UTF8.GetBytes(split.Line);
        var kind = split.Kind != TextSplitKind.Auto ? split.Kind
            : HasMarks(lines.Peek(SniffedBytes)) ? TextSplitKind.Auto : TextSplitKind.Paragraphs;
        var document = new ArrayBufferWriter<byte>();
        while (Next(lines, kind, separator, document))
        {
            var text = Encoding.UTF8.GetString(document.WrittenSpan);
            document.ResetWrittenCount();
            if (!string.IsNullOrWhiteSpace(text))
                yield return text;
        }
    }

    // Fills the document up to its end; false if the file has ended and nothing is left.
    private static bool Next(SourceLines lines, TextSplitKind kind, byte[]? separator, ArrayBufferWriter<byte> document)
    {
        while (lines.TryRead(out var line))
        {
            var content = line.TrimEnd("\r\n"u8);
            if (kind == TextSplitKind.Separator && content.SequenceEqual(separator))
                return true;
            if (kind == TextSplitKind.Auto && content.SequenceEqual(EndOfText))
                return true;
            if (kind == TextSplitKind.Auto && content.IndexOf(FormFeed) is var feed and >= 0)
            {
                // The form feed itself is dropped; the rest of its line begins the next document.
                document.Write(line[..feed]);
                lines.Return(line.Length - feed - 1);
                return true;
            }
            document.Write(line);
            var bytes = document.WrittenCount;
            if (bytes >= LongestDocument)
                return true;
            if (kind == TextSplitKind.Paragraphs
                && (bytes >= LineBytes || (bytes >= ParagraphBytes && IsBlank(content))))
                return true;
        }
        return document.WrittenCount > 0;
    }

    private static bool IsBlank(ReadOnlySpan<byte> content) => content.Trim(" \t"u8).IsEmpty;

    private static bool HasMarks(ReadOnlySpan<byte> head) =>
        head.Contains(FormFeed) || head.StartsWith(EndOfText) || head.IndexOf("\n<|endoftext|>"u8) >= 0;
}
