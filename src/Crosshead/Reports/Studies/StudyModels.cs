using System.Globalization;
using Crosshead.Reports.Pages;
using Crosshead.Training.Studies;
using static Crosshead.Reports.Pages.ReportNumbers;

namespace Crosshead.Reports.Studies;

/// <summary>
/// The tables of a study's models at their chosen rates: what they cost, and how well they do, over the seeds.
/// </summary>
public sealed class StudyModels
{
    private StudyModels(IReadOnlyList<RateChoice> models) => Models = models;

    /// <summary>The names of the columns of <see cref="Rows"/>; those of numbers end with <c>&gt;</c>.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["model", "parameters>", "cache bytes a token>", "rate>",
        "seeds>", "held-out loss>", "mean recall>", "tokens/s>", "decode ms>"];

    /// <summary>The models with a chosen rate whose runs are done.</summary>
    public IReadOnlyList<RateChoice> Models { get; }

    /// <summary>A row for each model.</summary>
    public IEnumerable<string[]> Rows => Models.Select(m => new[]
    {
        m.Variant,
        m.Runs[0].Cost is { } cost ? Count(cost.Parameters) : "–",
        m.Runs[0].Cost is { } cache ? Whole(cache.CacheBytes) : "–",
        Rate(m.LargestStable!.LearningRate),
        Whole(m.Chosen!.Seeds),
        Loss(m.Chosen.Loss),
        m.Chosen.Recall.Count == 0 ? "–" : Percent(new Spread(m.Chosen.Recall.Values.Average(r => r.Mean), null)),
        Count(m.Chosen.TokensPerSecond),
        m.Runs.FirstOrDefault(r => r.DecodeSeconds is not null)?.DecodeSeconds is { } seconds
            ? (1e3 * seconds).ToString("0.000", CultureInfo.InvariantCulture) : "–",
    });

    /// <summary>A row for each recall task: its name, and each model's share of right answers.</summary>
    public IEnumerable<string[]> Recall => Models.SelectMany(m => m.Chosen!.Recall.Keys).Distinct().Select(task =>
        (string[])[task, .. Models.Select(m =>
            Percent(m.Chosen!.Recall.TryGetValue(task, out var share) ? share : (Spread?)null))]);

    /// <summary>The tables of a report.</summary>
    public static StudyModels Of(StudyReport report) => new([.. report.Variants.Where(v => v.Chosen is not null)]);

    internal ReportSection? Section() => Models.Count == 0 ? null
        : new("Models", "study-models", new Dictionary<string, object?>
        {
            ["columns"] = Columns.Select(c => c.TrimEnd('>')).ToArray(),
            ["rows"] = Rows.ToArray(),
            ["models"] = Models.Select(m => m.Variant).ToArray(),
            ["recall"] = Recall.ToArray(),
        });
}
