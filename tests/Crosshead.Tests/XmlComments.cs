using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Crosshead.Tests;

/// <summary>The library's XML comments as plain text in which names stand as users of a recipe write them.</summary>
internal static partial class XmlComments
{
    private static readonly Dictionary<string, XElement> s_members = XDocument.Load(
        Path.ChangeExtension(typeof(CrossheadException).Assembly.Location, ".xml"))
        .Descendants("member").ToDictionary(m => m.Attribute("name")!.Value);

    /// <summary>
    /// The summary of a property or of a value of an enumeration; keys and commands stand in backquotes.
    /// </summary>
    public static string Summary(MemberInfo member)
    {
        var name = $"{(member is PropertyInfo ? 'P' : 'F')}:{member.DeclaringType!.FullName}.{member.Name}";
        return s_members.TryGetValue(name, out var comment) && comment.Element("summary") is { } summary
            ? Spaces().Replace(string.Concat(summary.Nodes().Select(Text)), " ").Trim()
            : "";
    }

    private static string Text(XNode node) => node switch
    {
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" } see =>
            $"`{JsonNamingPolicy.CamelCase.ConvertName(see.Attribute("cref")!.Value.Split('.')[^1])}`",
        XText text => text.Value,
        _ => throw new InvalidOperationException($"a comment for users holds {node}, which is not plain text."),
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
