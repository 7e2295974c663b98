using Crosshead.Checkpoints;
using Crosshead.Cli.Terminal;
using Crosshead.Compression;
using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using Crosshead.Model;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Cli.Commands;

/// <summary>What a model is to be compressed to, and what is needed to find out how.</summary>
internal sealed record CompressionRequest
{
    /// <summary>Share of the chosen layers' cache that is kept where neither a share nor sizes are given.</summary>
    public const double DefaultShare = 0.5;

    private const int SearchWindows = 32; // enough to tell sizes apart; the profile and the search measure hundreds of pieces on them

    /// <summary>The model.</summary>
    public required HuggingFaceFolder Files { get; init; }

    /// <summary>How components are fitted.</summary>
    public required CompressionMethod Method { get; init; }

    /// <summary>The layers to compress.</summary>
    public required IReadOnlyList<int> Chosen { get; init; }

    /// <summary>Sizes of every chosen layer, in place of a budget; null for a budget.</summary>
    public LayerPlan? Sizes { get; init; }

    /// <summary>The budget: share of the chosen layers' cache to keep.</summary>
    public double Share { get; init; } = DefaultShare;

    /// <summary>A profile made before; null to measure one where a budget needs it.</summary>
    public Profile? Profile { get; init; }

    /// <summary>Most rounds of measuring around the plan.</summary>
    public int Rounds { get; init; }

    /// <summary>The text to calibrate on; null for none.</summary>
    public TokenWindows? Calibrate { get; init; }

    /// <summary>The text to measure the loss on; null for none.</summary>
    public TokenWindows? Measure { get; init; }

    /// <summary>Windows computed at once.</summary>
    public required int Batch { get; init; }

    /// <summary>Where to compute.</summary>
    public required Device Device { get; init; }

    /// <summary>Checks the request by the model's shape, and that the profile is the model's.</summary>
    /// <exception cref="CrossheadException">A size or a budget cannot be met, or the profile is incomplete or of another model.</exception>
    public void Validate()
    {
        var shape = Files.Options;
        if (Uniform() is { } plan) plan.Validate(shape);
        else
        {
            new CompressionPlan([.. Enumerable.Range(0, shape.Layers).Select(_ => (LayerPlan?)null)], null).Validate(shape);
            BudgetPlanner.Require(shape, Method, Chosen.Count, Share);
        }
        if (Method == CompressionMethod.Fine) Calibration.Require(shape, Calibrate!);
        if (Profile is null) return;
        Profile.RequireShape(shape, "the profile");
        BudgetPlanner.Plan(Profile, Method, Chosen, Share);
        new ProfileSource(Files.WeightsHash, "").RequireSameModel(Profile.Source, "the profile");
    }

    /// <summary>Finds the sizes of all layers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="calibration">Its statistics on the calibration text; null for <see cref="CompressionMethod.Svd"/>.</param>
    /// <param name="output">Where progress goes.</param>
    /// <param name="cancel">Stops between batches.</param>
    public CompressionPlan Plan(LanguageModel model, Calibration? calibration, CommandOutput output, CancellationToken cancel)
    {
        if (Uniform() is { } uniform) return uniform;
        var shape = model.Options;
        var profile = Profile ?? Profiled(model, calibration!, output, cancel);
        var pieces = (double)Chosen.Count * (Piece.All(shape.Attention.Groups, shape.HeadDim, Method).Count() + 2); // of a round
        using var progress = output.Progress("measuring around the plan", "pieces");
        return new PlanSearch(model, calibration!, Calibrate!.AtMost(SearchWindows), Batch)
            .Run(profile, Chosen, Share, Rounds, progress.Say, new ImmediateProgress<long>(done => progress.Report(done, pieces)), cancel);
    }

    // Where nothing has to be measured: given sizes, or the paper's.
    private CompressionPlan? Uniform()
    {
        var shape = Files.Options;
        var sizes = Sizes ?? (Method == CompressionMethod.Svd ? Compressor.SvdPlan(shape.Attention.Groups, shape.HeadDim, Share) : null);
        return sizes is null ? null : CompressionPlan.Uniform(shape.Layers, Chosen, sizes);
    }

    private Profile Profiled(LanguageModel model, Calibration calibration, CommandOutput output, CancellationToken cancel)
    {
        var profiler = new Profiler(model, calibration, Calibrate!.AtMost(SearchWindows), Batch);
        CompressionMethod[] methods = [CompressionMethod.Fine];
        var pieces = (double)profiler.PiecesPerLayer(methods) * model.Options.Layers;
        using var progress = output.Progress("profiling", "pieces");
        return profiler.Run(new ProfileSource("", Calibrate!.Hash), methods, null, null, new ImmediateProgress<long>(done => progress.Report(done, pieces)), cancel);
    }
}
