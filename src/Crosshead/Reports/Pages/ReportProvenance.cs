namespace Crosshead.Reports.Pages;

/// <summary>How a report's numbers came about, so that another can get them again.</summary>
public sealed record ReportProvenance
{
    /// <summary>The command line that does it all again.</summary>
    public required string Command { get; init; }

    /// <summary>Names and values in the order shown, such as <c>("Machine", "2 cores, AVX-512")</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts { get; init; } = [];

    /// <summary>The recipe as JSON; null when there is none to show.</summary>
    public string? Recipe { get; init; }

    /// <summary>The part of a page that says it.</summary>
    internal ReportSection ToSection() => new("How to reproduce", "provenance", new Dictionary<string, object?>
    {
        ["command"] = Command,
        ["facts"] = Facts.Select(f => new Dictionary<string, object?> { ["name"] = f.Key, ["value"] = f.Value })
            .ToArray(),
        ["recipe"] = Recipe,
    });
}
