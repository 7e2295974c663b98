using System.Text;
using System.Xml;

namespace Crosshead.Data.Corpora;

/// <summary>Converts the content of one XML documentation element to plain sentences on one line.</summary>
internal sealed class DocumentationText
{
    private const char Break = '\u2029'; // ends a paragraph inside the collected text

    private readonly StringBuilder _text = new();

    /// <summary>
    /// Reads the reader's current element and moves the reader past it. Returns the sentences of the element's
    /// paragraphs, separated by one space. The result is empty if no paragraph reads as English.
    /// </summary>
    public string Read(XmlReader reader)
    {
        _text.Clear();
        Collect(reader);
        var sentences = new StringBuilder(_text.Length);
        foreach (var paragraph in _text.ToString().Split(Break))
        {
            var part = DocumentationProse.Clean(paragraph);
            if (!DocumentationProse.IsWorthKeeping(part)) continue;
            if (sentences.Length > 0) sentences.Append(' ');
            sentences.Append(part);
            if (part[^1] is not ('.' or '!' or '?' or ':')) sentences.Append('.');
        }
        return sentences.ToString();
    }

    // Adds the current element's text. If there is none, adds the name that its attributes refer to.
    private void Collect(XmlReader reader)
    {
        var reference = Reference(reader);
        var start = _text.Length;
        if (!reader.IsEmptyElement)
        {
            var depth = reader.Depth;
            reader.Read();
            while (!reader.EOF && !(reader.NodeType == XmlNodeType.EndElement && reader.Depth == depth))
            {
                if (reader.NodeType == XmlNodeType.Element)
                {
                    CollectChild(reader);
                    continue;
                }
                if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.Whitespace
                    or XmlNodeType.SignificantWhitespace)
                    _text.Append(reader.Value);
                reader.Read();
            }
        }
        reader.Read();
        if (_text.Length == start) _text.Append(reference);
    }

    private void CollectChild(XmlReader reader)
    {
        switch (reader.LocalName)
        {
            case "para" or "p" or "item" or "li" or "div":
                _text.Append(Break);
                Collect(reader);
                _text.Append(Break);
                break;
            case "term":
                Collect(reader);
                _text.Append(": ");
                break;
            case "code":
                var block = reader.GetAttribute("language") is not null || reader.GetAttribute("lang") is not null;
                var start = _text.Length;
                Collect(reader);
                // A name in a sentence stays. A listing is not prose and is removed.
                if (block || _text.ToString(start, _text.Length - start).Trim()
                    .Contains('\n', StringComparison.Ordinal))
                {
                    _text.Length = start;
                    _text.Append(Break);
                }
                break;
            case "example" or "examples" or "format" or "listheader" or "devremarks" or "script":
                reader.Skip();
                break;
            case "br":
                _text.Append(' ');
                Collect(reader);
                break;
            case "sup":
                _text.Append('^');
                Collect(reader);
                break;
            default:
                Collect(reader);
                break;
        }
    }

    // <see cref="T:System.String"/> reads as "String", <paramref name="x"/> as "x", <see langword="null"/> as "null".
    private static string? Reference(XmlReader reader)
    {
        if (!reader.HasAttributes || reader.LocalName is "member" or "param" or "typeparam" or "exception") return null;
        if ((reader.GetAttribute("cref") ?? reader.GetAttribute("uid")) is { } member)
            return MemberName.Readable(member);
        return reader.GetAttribute("langword") ?? reader.GetAttribute("langref") ?? reader.GetAttribute("name")
            ?? reader.GetAttribute("href");
    }
}
