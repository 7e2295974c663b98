using System.Xml;

namespace Crosshead.Data.Corpora;

/// <summary>One member of an XML documentation file with its cleaned lines.</summary>
/// <param name="Name">The name as the file has it, kind letter and arguments included.</param>
/// <param name="Lines">What each element says: a label such as <c>"- value: "</c> (empty for the summary and remarks)
/// and its sentences.</param>
internal sealed record DocumentedMember(string Name, IReadOnlyList<(string Label, string Text)> Lines)
{
    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
    };

    /// <summary>Streams the members that have anything to say.</summary>
    /// <exception cref="XmlException">The stream is not well-formed XML.</exception>
    public static IEnumerable<DocumentedMember> ReadAll(Stream xml)
    {
        using var reader = XmlReader.Create(xml, Settings);
        var text = new DocumentationText();
        while (!reader.EOF)
        {
            if (reader is not { NodeType: XmlNodeType.Element, LocalName: "member" })
            {
                reader.Read();
                continue;
            }
            var name = reader.GetAttribute("name");
            var lines = ReadLines(reader, text);
            if (name is not null && lines.Count > 0) yield return new DocumentedMember(name, lines);
        }
    }

    private static List<(string Label, string Text)> ReadLines(XmlReader reader, DocumentationText text)
    {
        var lines = new List<(string, string)>();
        var depth = reader.Depth;
        var empty = reader.IsEmptyElement;
        reader.Read();
        if (empty) return lines;
        while (!reader.EOF && !(reader.NodeType == XmlNodeType.EndElement && reader.Depth == depth))
        {
            if (reader.NodeType != XmlNodeType.Element) reader.Read();
            else if (Label(reader) is not { } label) reader.Skip();
            else if (text.Read(reader) is { Length: > 0 } sentences) lines.Add((label, sentences));
        }
        reader.Read();
        return [.. lines.OrderBy(line => Rank(line.Item1))];
    }

    // Files list these in any order; a reader wants what it does, what it takes, what it gives, how it fails.
    private static int Rank(string label) => label switch
    {
        "" => 0,
        "- returns: " => 2,
        _ when label.StartsWith("- throws ", StringComparison.Ordinal) => 3,
        _ => 1,
    };

    // Null for the elements that hold no prose of their own: examples, see-also lists, inheritdoc.
    private static string? Label(XmlReader reader) => reader.LocalName switch
    {
        "summary" or "remarks" or "remark" or "value" or "para" => "",
        "param" or "typeparam" => $"- {reader.GetAttribute("name")}: ",
        "returns" or "return" => "- returns: ",
        "exception" => $"- throws {MemberName.Readable(reader.GetAttribute("cref") ?? "an exception")}: ",
        _ => null,
    };
}
