using System.Text.Json;
using Crosshead.Checkpoints;
using Crosshead.Compression.Fits;
using Crosshead.Files;
using Crosshead.Model;
using Crosshead.Runtime;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Compression.Jobs;

/// <summary>
/// Compresses the cache of a model in a folder, and writes the compressed model to another folder. The steps are:
/// measure, calibrate, plan, fit, round, measure again, check, save.
/// </summary>
public sealed class CompressionJob
{
    private readonly ModelSource _source;
    private readonly CompressionText _text;
    private readonly CompressionOptions _options;
    private readonly CompressionPlanning _planning;

    /// <summary>Prepares a compression. Options that cannot be met are refused before weights are read.</summary>
    /// <param name="source">The model.</param>
    /// <param name="text">The text for calibration and for measuring the loss.</param>
    /// <param name="options">The options of the compression.</param>
    /// <exception cref="CrossheadException">
    /// An option is out of range, a size or a budget cannot be met, the text is missing or too short, or the profile is
    /// incomplete or of another model.
    /// </exception>
    public CompressionJob(ModelSource source, CompressionText text, CompressionOptions options)
    {
        options.Validate();
        (_source, _text, _options) = (source, text, options);
        _planning = new CompressionPlanning(source, text.Calibration, options);
    }

    /// <summary>
    /// Opens a model. The first half of the text is for calibration, and the second half is for measuring the
    /// loss.
    /// </summary>
    /// <param name="path">A model directory in Hugging Face's layout, or a GGUF file.</param>
    /// <param name="text">A few hundred thousand characters of text from the model's field of use.</param>
    /// <param name="options">The options of the compression; null for half of the cache.</param>
    /// <exception cref="CrossheadException">An error of the constructor, or the path holds no readable
    /// model.</exception>
    public static CompressionJob Open(string path, string text, CompressionOptions? options = null)
    {
        var source = ModelSource.Open(path);
        options ??= new();
        return new CompressionJob(source, CompressionText.Halved(text, source, options.Windows), options);
    }

    /// <summary>Compresses the model.</summary>
    /// <param name="folder">The folder for the compressed model. The folder appears only when it is complete.</param>
    /// <param name="progress">Receives the progress of each stage.</param>
    /// <param name="cancellation">Stops between batches; nothing is written.</param>
    /// <exception cref="CrossheadException">
    /// The folder holds something that may not be replaced, the weights are damaged, the compressed model failed its
    /// check, or the disk cannot be written.
    /// </exception>
    /// <exception cref="OperationCanceledException">The compression was cancelled.</exception>
    public CompressionResult Run(string folder, IProgress<CompressionProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ModelDirectory.RequireReplaceable(folder, _options.Overwrite);
        using var place = NewFolder.Hold(folder);
        using var model = _source.LoadInPlace(_options.Compute, _options.Device);
        var before = Loss(model, CompressionStage.MeasuringBefore, progress, cancellation);
        using var calibration = Calibrated(model, progress, cancellation);
        var plan = _planning.Plan(model, calibration, progress, cancellation);
        using var compressed = Compressor.Compress(model, plan, calibration);
        var stored = _source.Description.Weights;
        Compressor.RoundTo(compressed, stored.Type);
        var after = Loss(compressed, CompressionStage.MeasuringAfter, progress, cancellation);
        var difference = SelfCheck(compressed);
        cancellation.ThrowIfCancellationRequested();
        var result = new CompressionResult
        {
            Folder = folder,
            Options = compressed.Options,
            Plan = plan,
            CacheBytesPerTokenBefore = ModelCost.Of(model.Options).CacheBytesPerToken(stored.BytesPerElement),
            CacheBytesPerTokenAfter = ModelCost.Of(compressed.Options).CacheBytesPerToken(stored.BytesPerElement),
            LossBefore = before,
            LossAfter = after,
            SelfCheck = difference,
        };
        place.Write(aside =>
        {
            Save(aside, compressed, stored.Type);
            CompressionCard.Of(_source, _options, result).Save(aside, folder);
        });
        return result;
    }

    private Calibration? Calibrated(
        LanguageModel model, IProgress<CompressionProgress>? progress, CancellationToken cancellation)
    {
        if (_options.Method != CompressionMethod.Fine || _text.Calibration is not { } windows) return null;
        var counted = CompressionStage.Calibrating.Counted(progress, windows.Count);
        return Calibration.Run(model, windows, _options.Windows.Batch, counted, cancellation);
    }

    private double? Loss(
        LanguageModel model, CompressionStage stage, IProgress<CompressionProgress>? progress,
        CancellationToken cancellation)
    {
        if (_text.HeldOut is not { } windows) return null;
        return WindowLoss.Measure(model, windows, _options.Windows.Batch,
            stage.Counted(progress, windows.Count), cancellation);
    }

    // Without a text any tokens will do, because the two computations must agree on all tokens.
    private double SelfCheck(LanguageModel model)
    {
        // In longer texts LongRoPE has other angles than token by token.
        var length = Math.Min(64, model.Options.ShortContext ?? model.Options.Context);
        using var tokens = _text.HeldOut?.Batches(1, model.Device).First()
            ?? arange(length, ScalarType.Int64, model.Device).remainder(model.Options.VocabularySize).unsqueeze(0);
        using var some = tokens.narrow(1, 0, Math.Min(length, tokens.shape[1]));
        var difference = Compressor.SelfCheck(model, some);
        // In 16 bits both computations round in every layer, so the limit is larger.
        var allowed = _options.Compute is ScalarType.BFloat16 or ScalarType.Float16 ? 6e-2 : 1e-3;
        if (difference <= allowed) return difference;
        throw new CrossheadException(
            $"the self-check failed: logits from the compressed cache differ by {difference:0.0e+0} of their size from "
            + $"those of the fitted weights, {allowed:0.0e+0} is allowed; nothing was written. A layer's "
            + $"weights may be out of range; try {MessageTerm.Method} svd, or other {MessageTerm.Layers}.");
    }

    private void Save(string folder, LanguageModel compressed, ScalarType type)
    {
        _source.Description.SaveCompanions(folder);
        var metadata = new Dictionary<string, string>
        {
            ["crosshead_compressed_from"] = _source.WeightsHash,
            ["crosshead_method"] = JsonSerializer.SerializeToElement(_options.Method).GetString()!,
            ["crosshead_vector_bits"] = $"{CpuVectors.Bits}",
        };
        ModelDirectory.Save(folder, compressed, metadata, _source.Description.Tokens, type, _options.ShardBytes);
    }
}
