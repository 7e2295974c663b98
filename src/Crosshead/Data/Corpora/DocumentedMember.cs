using System.Xml;

namespace Crosshead.Data.Corpora;

/// <summary>One member of an XML documentation file, with cleaned lines.</summary>
/// <param name="Name">The member's name in the file, including the kind letter and the arguments.</param>
/// <param name="Lines">One line per element: a label, such as <c>"- value: "</c>, and the element's sentences. The
/// label is empty for the summary and remarks.</param>
internal sealed record DocumentedMember(string Name, IReadOnlyList<(string Label, string Text)> Lines)
{
    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
    };

    /// <summary>Reads the members of a stream one by one, without members that have no text.</summary>
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

    // Files list elements in any order. The order here is: description, parameters, return value, exceptions.
    private static int Rank(string label) => label switch
    {
        "" => 0,
        "- returns: " => 2,
        _ when label.StartsWith("- throws ", StringComparison.Ordinal) => 3,
        _ => 1,
    };

    // Null for elements without prose of their own: examples, see-also lists, inheritdoc.
    private static string? Label(XmlReader reader) => reader.LocalName switch
    {
        "summary" or "remarks" or "remark" or "value" or "para" => "",
        "param" or "typeparam" => $"- {reader.GetAttribute("name")}: ",
        "returns" or "return" => "- returns: ",
        "exception" => $"- throws {MemberName.Readable(reader.GetAttribute("cref") ?? "an exception")}: ",
        _ => null,
    };
}
