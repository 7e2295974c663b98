using System.Numerics;
using Crosshead.Attention.Caches;
using Crosshead.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// Decodes on a CUDA device with steps captured as graphs. Launching the operators one by one takes several times as
/// long as computing them. Prompts are computed by a <see cref="TensorDecoder"/>, and so are steps that cannot be
/// captured.
/// </summary>
public sealed class CudaGraphDecoder : IDecoder
{
    private readonly LanguageModel _model;
    private readonly TensorDecoder _plain;
    private readonly Dictionary<int, CapturedStep> _steps = []; // by number of slots
    private readonly List<(CapturedStep Step, int Slot)?> _logitsOf = []; // by row; null for the plain way
    private bool _plainRan;                                     // whether the device may still compute the plain way

    /// <summary>Prepares to decode.</summary>
    /// <param name="model">The model; must outlive the decoder.</param>
    /// <param name="slots">Number of sequences side by side.</param>
    /// <param name="capacity">Maximum number of tokens per sequence, including its prompt; at most the model's
    /// context.</param>
    public CudaGraphDecoder(LanguageModel model, int slots, int capacity) : this(model, slots, capacity, null)
    {
    }

    /// <summary>The same with a cache that keeps numbers in its own way; null for the model's precision.</summary>
    internal CudaGraphDecoder(LanguageModel model, int slots, int capacity, CacheFormat? format) =>
        (_model, _plain) = (model, new TensorDecoder(model, slots, capacity, format));

    /// <summary>
    /// Whether capturing the steps of a model is worthwhile: the model computes in bfloat16 on a CUDA device.
    /// </summary>
    public static bool Supports(LanguageModel model) =>
        model.Device.type == DeviceType.CUDA && model.ComputeType == ScalarType.BFloat16;

    /// <summary>Whether the last pass used captured steps.</summary>
    public bool IsCaptured => _logitsOf.Any(s => s is not null);

    /// <summary>Why steps are not captured; null if they are, or if none was tried yet.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Number of kernels and copies in the last captured step; 0 if there is none.</summary>
    internal int Nodes => _logitsOf.FirstOrDefault(s => s is not null)?.Step.Nodes ?? 0;

    /// <inheritdoc/>
    public ICacheStore Cache => _plain.Cache;

    /// <inheritdoc/>
    public int VocabularySize => _plain.VocabularySize;

    /// <inheritdoc/>
    public int? ShortContext => _model.Options.ShortContext;

    /// <inheritdoc/>
    public void Run(DecodePass pass, CancellationToken cancellation = default)
    {
        pass.Require(Cache);
        _logitsOf.Clear();
        _logitsOf.AddRange(Enumerable.Repeat<(CapturedStep, int)?>(null, pass.Count));
        var runs = pass.Runs();
        var within = _model.Options.ShortContext;
        var steps = runs.FindAll(r => r.IsStep(within));
        if (steps.Count > 0 && TryStep(pass, steps)) runs.RemoveAll(r => r.IsStep(within));
        if (runs.Count == 0) return;
        _plain.Run(pass, runs, cancellation);
        _plainRan = true;
    }

    /// <summary>
    /// Counts prompts as read and fills their cache with random numbers. The cost of a step does not depend on the
    /// cached values.
    /// </summary>
    /// <param name="tokens">Number of tokens per prompt.</param>
    public void Draw(int tokens)
    {
        _plain.State.Draw(tokens);
        _plainRan = true;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Logits(int row) =>
        _logitsOf[row] is { } at ? at.Step.Logits(at.Slot) : _plain.Logits(row);

    /// <inheritdoc/>
    public (int Id, float Logit) MostLikely(int row) =>
        _logitsOf[row] is { } at ? at.Step.MostLikely(at.Slot) : ((IDecoder)_plain).MostLikely(row);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var step in _steps.Values) step.Dispose();
        _plain.Dispose();
    }

    // Steps are captured for 1, 2, 4, … slots. Idle slots are computed too, but their results are not used.
    private bool TryStep(DecodePass pass, List<TokenRun> runs)
    {
        if (Refusal is not null) return false;
        var count = Math.Min(Cache.Slots, (int)BitOperations.RoundUpToPowerOf2((uint)runs.Max(r => r.Slot) + 1));
        var isNew = !_steps.TryGetValue(count, out var step);
        if (isNew) _steps[count] = step = new CapturedStep(_model, _plain.State, count);
        // The stream of a step does not wait for that of the prompts, on which a new step's memory is cleared too.
        if (_plainRan || isNew) cuda.synchronize(_model.Device);
        _plainRan = false;
        if (!step!.TryRun(pass, runs))
        {
            Refusal = step.Refusal ?? "the step was not captured";
            _steps.Remove(count);
            step.Dispose();
            return false;
        }
        foreach (var run in runs)
            if (pass.Rows[run.First].Wanted) _logitsOf[run.First] = (step, run.Slot);
        return true;
    }
}
