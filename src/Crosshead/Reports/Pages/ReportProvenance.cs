namespace Crosshead.Reports.Pages;

/// <summary>What a reader needs to get the numbers of a report again.</summary>
public sealed record ReportProvenance
{
    /// <summary>The command line that repeats all the work.</summary>
    public required string Command { get; init; }

    /// <summary>Names and values in the order shown, such as <c>("Machine", "2 cores, AVX-512")</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts { get; init; } = [];

    /// <summary>The recipe as JSON; null if there is none to show.</summary>
    public string? Recipe { get; init; }

    /// <summary>Makes the section of the page with these facts.</summary>
    internal ReportSection ToSection() => new("How to reproduce", "provenance", new Dictionary<string, object?>
    {
        ["command"] = Command,
        ["facts"] = Facts.Select(f => new Dictionary<string, object?> { ["name"] = f.Key, ["value"] = f.Value })
            .ToArray(),
        ["recipe"] = Recipe,
    });
}
