using System.Globalization;
using Crosshead.Attention;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Files;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>One run of the grid: its recipe and its folder, which alone says how far it has come.</summary>
internal sealed class SweepRun
{
    private const string RecipeFile = "recipe.json";

    private readonly SweepOutcome _outcome;

    /// <summary>Describes the run; nothing is written.</summary>
    /// <param name="options">The sweep.</param>
    /// <param name="basis">The recipe that all runs are made from.</param>
    /// <param name="variant">The run's variant.</param>
    /// <param name="rate">Its learning rate.</param>
    /// <param name="seed">Its seed.</param>
    public SweepRun(SweepOptions options, Recipe basis, AttentionVariant variant, double rate, long seed)
    {
        var name = $"{variant.NameOf()}-{rate.ToString("0.################e-0", CultureInfo.InvariantCulture)}"
            + (options.Seeds.Count > 0 ? $"-s{seed}" : "");
        Folder = SweepFolder.Run(options.Folder, name);
        Recipe = StudyRecipes.Short(basis, name, variant, rate, seed);
        _outcome = new SweepOutcome(Folder);
        try
        {
            Recipe.Validate();
        }
        catch (CrossheadException e)
        {
            Unfit = e.Message;
        }
    }

    /// <summary>What the run's folder and recipe are called.</summary>
    public string Name => Recipe.Name;

    /// <summary>Why the recipe does not fit the variant; null where it does.</summary>
    public string? Unfit { get; }

    /// <summary>What is trained.</summary>
    public Recipe Recipe { get; }

    /// <summary>The run's folder.</summary>
    public string Folder { get; }

    /// <summary>Where the run's recipe stands.</summary>
    public string RecipePath => Path.Combine(Folder, RecipeFile);

    /// <summary>Whether there is a checkpoint to go on from.</summary>
    public bool CanResume => RunFolder.SavedStep(Folder) is not null;

    /// <summary>
    /// Whether there is anything left to do: a run that diverged would do so again, one that failed otherwise may not.
    /// </summary>
    public bool Pending => Unfit is null && Status is not (RunStatus.Finished or RunStatus.Diverged);

    /// <summary>How far the run has come.</summary>
    public RunStatus Status =>
        Unfit is not null ? RunStatus.Failed
        : IsComplete ? RunStatus.Finished
        : _outcome.Read() is { } outcome ? outcome.Status
        : RunFolder.SavedStep(Folder) is not null || File.Exists(LogPath) ? RunStatus.Interrupted
        : RunStatus.Waiting;

    /// <summary>Tokens that the run is trained on altogether.</summary>
    public long Tokens => Recipe.TotalSteps * Recipe.TokensPerStep;

    private string LogPath => Path.Combine(Folder, RunFolder.LogFile);

    private bool IsComplete => RunFolder.SavedStep(Folder) >= Recipe.TotalSteps
        && File.Exists(Path.Combine(Folder, ModelFileNames.Configuration));

    /// <summary>Writes the recipe, and forgets how the run ended before.</summary>
    public void Prepare()
    {
        Directory.CreateDirectory(Folder);
        AtomicFile.WriteText(RecipePath, Recipe.ToJson() + "\n");
        _outcome.Forget();
    }

    /// <summary>Keeps why the run did not finish.</summary>
    public void Fail(RunStatus status, string reason) => _outcome.Write(status, reason);

    /// <summary>The last step that a run in progress has logged; null before the first.</summary>
    public TrainingStepRecord? LastStep => LogTail.Last(LogPath);

    /// <summary>What the run measured so far.</summary>
    public StudyRun Measured()
    {
        var status = Status;
        var run = new StudyRun
        {
            Variant = Recipe.Model.Attention.Variant.NameOf(),
            LearningRate = Recipe.Training.LearningRate,
            Seed = Recipe.Training.Seed,
            Status = status,
            Reason = status is RunStatus.Failed or RunStatus.Diverged ? Unfit ?? _outcome.Read()?.Reason : null,
        };
        return Unfit is null && File.Exists(LogPath) ? run.With(JsonLinesLog.Read(LogPath),
            Recipe.Training.Schedule.WarmupSteps * (double)Recipe.TokensPerStep) : run;
    }
}
