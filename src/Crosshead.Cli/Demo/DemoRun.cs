using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Reports;
using Crosshead.Reports.Pages;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Demo;

/// <summary>One training run of the demo and what has come of it so far.</summary>
internal sealed class DemoRun(Recipe recipe)
{
    private readonly List<CurvePoint> _points = [];

    /// <summary>What is run; its length is set when the speed of the machine is known.</summary>
    public Recipe Recipe { get; set; } = recipe;

    /// <summary>The recipe's name.</summary>
    public string Name => Recipe.Name;

    /// <summary>How the run ended, or that it has not.</summary>
    public RunStatus Status { get; set; } = RunStatus.Waiting;

    /// <summary>Where the run stands; null before its first step.</summary>
    public TrainingProgress? Progress { get; set; }

    /// <summary>What came of it; null before its end.</summary>
    public TrainingResult? Result { get; set; }

    /// <summary>Text the trained model wrote.</summary>
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
