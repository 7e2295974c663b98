using Crosshead.Compression.Fits;
using Crosshead.Compression.Search;
using Crosshead.Model;
using Crosshead.TextModels;

namespace Crosshead.Compression.Jobs;

/// <summary>
/// Finds the sizes of a model's layers: the given sizes, the paper's sizes, or the best sizes of a search within a
/// budget.
/// </summary>
internal sealed class CompressionPlanning
{
    private readonly ModelOptions _shape;
    private readonly TokenWindows? _text;
    private readonly CompressionOptions _options;
    private readonly IReadOnlyList<int> _layers;

    /// <summary>
    /// Prepares the planning. Sizes and budgets that cannot be met are refused before weights are read.
    /// </summary>
    /// <param name="source">The model.</param>
    /// <param name="text">The text for calibration; null for none.</param>
    /// <param name="options">The options of the compression.</param>
    /// <exception cref="CrossheadException">
    /// A size or a budget cannot be met or makes nothing smaller, the text is missing or too short, or the profile is
    /// incomplete or of another model.
    /// </exception>
    public CompressionPlanning(ModelSource source, TokenWindows? text, CompressionOptions options)
    {
        (_shape, _text, _options) = (source.Options, text, options);
        _layers = LayerSelection.Parse(options.Layers, _shape.Layers);
        if (Uniform() is { } plan) plan.Validate(_shape);
        else
        {
            new CompressionPlan(new LayerPlan?[_shape.Layers], null).Validate(_shape);
            BudgetPlanner.Require(_shape, options.Method, _layers.Count, options.Share);
        }
        if (options.Method == CompressionMethod.Fine)
            Calibration.Require(_shape, text ?? throw new CrossheadException(
                $"{MessageTerm.Method} fine needs a text to calibrate on; give one, or use {MessageTerm.Method} svd."));
        if (options.Profile is { } profile)
        {
            profile.RequireShape(_shape, "the profile");
            BudgetPlanner.Plan(profile, options.Method, _layers, options.Share);
            new ProfileSource(source.WeightsHash, "").RequireSameModel(profile.Source, "the profile");
        }
        if (options.Sizes is null) RequireLess();
    }

    /// <summary>Finds the sizes.</summary>
    /// <param name="model">The model.</param>
    /// <param name="calibration">The model's statistics on the text; null for
    /// <see cref="CompressionMethod.Svd"/>.</param>
    /// <param name="progress">Receives the progress of profiling and searching.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public CompressionPlan Plan(
        LanguageModel model, Calibration? calibration, IProgress<CompressionProgress>? progress,
        CancellationToken cancellation)
    {
        if (Uniform() is { } uniform) return uniform;
        const CompressionStage stage = CompressionStage.Searching;
        var (windows, batch) = (_text!.AtMost(_options.SearchWindows), _options.Windows.Batch);
        var profile = _options.Profile
            ?? Profile(new Profiler(model, calibration!, windows, batch), progress, cancellation);
        // A round measures every size of each layer, and whole keys and whole values.
        var pieces = _layers.Count
            * (Piece.All(PlainCache.Of(_shape), _options.Method).Count() + 2.0);
        return new PlanSearch(model, calibration!, windows, batch).Run(
            profile, _layers, _options.Share, _options.Rounds, found => progress?.Report(new(stage, 0, pieces, found)),
            stage.Counted(progress, pieces), cancellation);
    }

    private Profile Profile(Profiler profiler, IProgress<CompressionProgress>? progress, CancellationToken cancellation)
    {
        CompressionMethod[] methods = [_options.Method];
        var pieces = (double)Profiler.PiecesPerLayer(_shape, methods) * _shape.Layers;
        var counted = CompressionStage.Profiling.Counted(progress, pieces);
        return profiler.Run(new ProfileSource("", _text!.Hash), methods, null, null, counted, cancellation);
    }

    // A budget is a share of whole heads. Layers that keep no more than it already would be written again as they are.
    private void RequireLess()
    {
        var whole = (long)_layers.Count * PlainCache.Of(_shape).Whole;
        var kept = _layers.Select(layer => _shape.AttentionOf(layer).CacheLayoutFor(_shape.HiddenSize))
            .Sum(cache => cache.Keys.Elements + cache.Values.Elements);
        if (kept <= _options.Share * whole && kept < whole)
            throw new CrossheadException($"{MessageTerm.CacheShare} {_options.Share:P0} makes nothing smaller: it is a "
                + $"share of the cache of whole heads, of which the chosen layers keep {(double)kept / whole:P1} "
                + "already; use less than that.");
    }

    // The plan if nothing has to be measured: the given sizes, or the paper's. Null otherwise.
    private CompressionPlan? Uniform()
    {
        var sizes = _options.Sizes;
        // Latent vectors have no heads; the given sizes, or none, are refused by the plan.
        if (sizes is null && _options.Method == CompressionMethod.Svd && _shape.Attention.Latent is not null)
            sizes = new LayerPlan(_options.Method, null, null);
        if (sizes is null && _options.Method == CompressionMethod.Svd)
            sizes = Compressor.SvdPlan(_shape.Attention.Groups, _shape.HeadDim, _options.Share);
        return sizes is null ? null : CompressionPlan.Uniform(_shape.Layers, _layers, sizes);
    }
}
