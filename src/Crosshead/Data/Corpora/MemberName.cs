namespace Crosshead.Data.Corpora;

/// <summary>
/// Reads the names of XML documentation, such as <c>M:System.String.Compare(System.String,System.String)</c>.
/// </summary>
internal static class MemberName
{
    /// <summary>
    /// Returns the type that a member belongs to, with its namespace and without arity marks:
    /// <c>System.Collections.Generic.List</c>. A type belongs to itself.
    /// </summary>
    public static string TypeOf(string name)
    {
        var (kind, path) = Split(name);
        if (kind == 'T') return path;
        var dot = path.LastIndexOf('.');
        return dot < 0 ? path : path[..dot];
    }

    /// <summary>
    /// Returns the member's own name as a heading: <c>Compare</c>, <c>Constructor</c>, <c>IDisposable.Dispose</c>. The
    /// heading of a type is its short name.
    /// </summary>
    public static string Heading(string name)
    {
        var (_, path) = Split(name);
        return Spoken(path[(path.LastIndexOf('.') + 1)..]);
    }

    /// <summary>
    /// Returns a reference in the form for a sentence: <c>String</c>, <c>String.Compare</c>, <c>String constructor</c>,
    /// <c>System.Text</c> for a namespace.
    /// </summary>
    public static string Readable(string reference)
    {
        var (kind, path) = Split(reference);
        if (kind == 'N') return path;
        var dot = path.LastIndexOf('.');
        if (dot < 0) return Spoken(path);
        if (kind is 'T' or ' ') return Spoken(path[(dot + 1)..]); // A uid has no kind and is nearly always a type's.
        var owner = path[..dot];
        var type = Spoken(owner[(owner.LastIndexOf('.') + 1)..]);
        var member = path[(dot + 1)..];
        return member is "#ctor" or "#cctor" ? type + " constructor" : member.Contains('#', StringComparison.Ordinal)
            ? Spoken(member) : $"{type}.{Spoken(member)}";
    }

    // Removes the kind letter, the arguments, the result type of a conversion, and the arity marks.
    private static (char Kind, string Path) Split(string name)
    {
        var kind = name.Length > 1 && name[1] == ':' ? name[0] : ' ';
        var start = kind == ' ' ? 0 : 2;
        var end = name.AsSpan(start).IndexOfAny('(', '~');
        var path = (end < 0 ? name.AsSpan(start) : name.AsSpan(start, end)).Trim();
        if (path.IndexOfAny('`', '{') < 0) return (kind, path.ToString());

        var kept = new char[path.Length];
        var length = 0;
        var nested = 0;
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == '{') nested++;
            else if (path[i] == '}') nested--;
            else if (path[i] == '`')
                while (i + 1 < path.Length && (char.IsAsciiDigit(path[i + 1]) || path[i + 1] == '`')) i++;
            else if (nested == 0) kept[length++] = path[i];
        }
        return (kind, new string(kept, 0, length));
    }

    // The name of an explicit implementation includes its interface, with # in place of each dot.
    private static string Spoken(string segment)
    {
        if (segment is "#ctor") return "Constructor";
        if (segment is "#cctor") return "Static constructor";
        if (segment.StartsWith("op_", StringComparison.Ordinal)) return segment[3..] + " operator";
        var last = segment.LastIndexOf('#');
        if (last < 0) return segment;
        var before = segment.LastIndexOf('#', Math.Max(last - 1, 0));
        return segment[(before + 1)..].Replace('#', '.').TrimStart('.');
    }
}
