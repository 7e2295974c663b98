namespace Crosshead.Text.Grammars;

/// <summary>The formats of texts that schemas may ask for, as regular expressions.</summary>
/// <remarks>
/// All that they describe fits the format, and not the reverse: years have four digits and begin with 1000, there are
/// no leap seconds, and addresses have neither quotes nor comments.
/// </remarks>
internal static class TextFormats
{
    private const string Year = @"[1-9]\d{3}", Zone = @"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)";
    private const string Leap = @"([1-9]\d(0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29";
    private const string Date = $@"({Year}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)"
        + $@"|02-(0[1-9]|1\d|2[0-8]))|{Leap})";
    private const string Time = $@"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{{1,9}})?{Zone}";
    private const string Byte = @"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";
    private const string Atom = @"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]{1,20}";
    private const string Label = @"[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?";

    /// <summary>The expression of each format, which the whole text matches.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["date-time"] = $"{Date}T{Time}",
        ["date"] = Date,
        ["time"] = Time,
        ["uuid"] = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        ["email"] = $@"{Atom}(\.{Atom}){{0,2}}@{Label}(\.{Label}){{1,2}}",
        ["ipv4"] = $@"{Byte}(\.{Byte}){{3}}",
    };
}
