using System.Globalization;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Files;
using Crosshead.Training.Logging;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Studies;

namespace Crosshead.Cli.Sweep;

/// <summary>One run of the grid: its recipe and its folder. The folder alone shows how far the run has come.</summary>
internal sealed class SweepRun
{
    private const string RecipeFile = "recipe.json";

    private readonly SweepOutcome _outcome;
    private readonly bool _constant;

    /// <summary>Describes the run; nothing is written.</summary>
    /// <param name="options">Options of the sweep.</param>
    /// <param name="basis">The recipe that all runs are made from.</param>
    /// <param name="model">The run's model.</param>
    /// <param name="rate">The run's learning rate.</param>
    /// <param name="seed">The run's seed.</param>
    public SweepRun(SweepOptions options, Recipe basis, StudyModel model, double rate, long seed)
    {
        (Model, _constant) = (model, options.Constant);
        var name = $"{model.Name}-{rate.ToString("0.################e-0", CultureInfo.InvariantCulture)}"
            + (options.Seeds.Count > 0 ? $"-s{seed}" : "");
        Folder = SweepFolder.Run(options.Folder, name);
        Recipe = StudyRecipes.Grid(basis, name, model, rate, seed, options.Constant);
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

    /// <summary>The run's model.</summary>
    public StudyModel Model { get; }

    /// <summary>Name of the run's folder and recipe.</summary>
    public string Name => Recipe.Name;

    /// <summary>Why the recipe does not fit the model; null if it fits.</summary>
    public string? Unfit { get; }

    /// <summary>The run's recipe.</summary>
    public Recipe Recipe { get; }

    /// <summary>The run's folder.</summary>
    public string Folder { get; }

    /// <summary>Path of the run's recipe.</summary>
    public string RecipePath => Path.Combine(Folder, RecipeFile);

    /// <summary>Whether there is a checkpoint to continue from.</summary>
    public bool CanResume => RunFolder.SavedStep(Folder) is not null;

    /// <summary>
    /// Whether work is left. A diverged run would diverge again, so it counts as done. A run that failed otherwise may
    /// be tried again.
    /// </summary>
    public bool Pending => Unfit is null && Status is not (RunStatus.Finished or RunStatus.Diverged);

    /// <summary>State of the run.</summary>
    public RunStatus Status =>
        Unfit is not null ? RunStatus.Failed
        : IsComplete ? RunStatus.Finished
        : _outcome.Read() is { } outcome ? outcome.Status
        : RunFolder.SavedStep(Folder) is not null || File.Exists(LogPath) ? RunStatus.Interrupted
        : RunStatus.Waiting;

    /// <summary>Tokens that the whole run trains on.</summary>
    public long Tokens => Recipe.TotalSteps * Recipe.TokensPerStep;

    private string LogPath => Path.Combine(Folder, RunFolder.LogFile);

    private bool IsComplete => RunFolder.SavedStep(Folder) >= Recipe.TotalSteps
        && File.Exists(Path.Combine(Folder, ModelFileNames.Configuration));

    /// <summary>Refuses a run that was begun with another recipe.</summary>
    /// <exception cref="CrossheadException">The recipe in the run's folder has other values.</exception>
    public void RequireSame()
    {
        if (File.Exists(RecipePath) && Unfit is null)
            StudyRecipes.RequireSame(Recipe.Parse(InputFile.ReadText(RecipePath), RecipePath), Recipe, Folder);
    }

    /// <summary>Writes the recipe and deletes the stored ending of an earlier attempt.</summary>
    public void Prepare()
    {
        Directory.CreateDirectory(Folder);
        AtomicFile.WriteText(RecipePath, Recipe.ToJson() + "\n");
        _outcome.Forget();
    }

    /// <summary>Stores why the run did not finish.</summary>
    public void Fail(RunStatus status, string reason) => _outcome.Write(status, reason);

    /// <summary>The last step in the run's log; null before the first step.</summary>
    public TrainingStepRecord? LastStep => LogTail.Last(LogPath);

    /// <summary>Measurements of the run so far.</summary>
    public StudyRun Measured()
    {
        var status = Status;
        var run = new StudyRun
        {
            Variant = Model.Name,
            Cost = Unfit is null ? StudyCost.Of(Recipe.Model) : null,
            LearningRate = Recipe.Training.LearningRate,
            Seed = Recipe.Training.Seed,
            Status = status,
            DecodeSeconds = DecodeTime.Of(Folder),
            Reason = status is RunStatus.Failed or RunStatus.Diverged ? Unfit ?? _outcome.Read()?.Reason : null,
        };
        return Unfit is null && File.Exists(LogPath) ? run.With(JsonLinesLog.Read(LogPath), _constant
            ? Recipe.Training.Schedule.WarmupSteps * (double)Recipe.TokensPerStep : null) : run;
    }
}
