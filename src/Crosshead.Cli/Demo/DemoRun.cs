using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Demo;

/// <summary>One training run of the demo and its results so far.</summary>
internal sealed class DemoRun(Recipe recipe)
{
    private readonly List<CurvePoint> _points = [];

    /// <summary>The recipe; its length is set once the speed of the machine is known.</summary>
    public Recipe Recipe { get; set; } = recipe;

    /// <summary>The recipe's name.</summary>
    public string Name => Recipe.Name;

    /// <summary>Whether and how the run ended.</summary>
    public RunStatus Status { get; set; } = RunStatus.Waiting;

    /// <summary>Progress of the run; null before its first step.</summary>
    public TrainingProgress? Progress { get; set; }

    /// <summary>Result of the run; null until training ends without error.</summary>
    public TrainingResult? Result { get; set; }

    /// <summary>Text that the trained model wrote.</summary>
    public ReportSample? Sample { get; set; }

    /// <summary>Held-out losses so far.</summary>
    public IReadOnlyList<CurvePoint> Points => _points;

    /// <summary>Adds a point to the curve.</summary>
    public void Add(CurvePoint evaluation) => _points.Add(evaluation);

    /// <summary>The run as the report shows it.</summary>
    public ComparisonRun ToReport()
    {
        var cost = ModelCost.Of(Recipe.Model);
        return new ComparisonRun
        {
            Variant = Recipe.Model.Attention.Variant.NameOf(),
            Name = Recipe.Model.Attention.Variant.NameOf(),
            LearningRate = Recipe.Training.LearningRate,
            Seed = Recipe.Training.Seed,
            Parameters = cost.Parameters,
            CacheBytesPerToken = cost.CacheBytesPerToken(2),
            Points = [.. _points],
            FinalHeldOutLoss = Result?.HeldOutLoss ?? _points.LastOrDefault()?.HeldOutLoss,
            TokensPerSecond = Result?.TokensPerSecond ?? Progress?.TokensPerSecond,
            Spikes = (int)(Result?.Spikes ?? 0),
            Status = Status,
            Sample = Sample,
        };
    }
}
