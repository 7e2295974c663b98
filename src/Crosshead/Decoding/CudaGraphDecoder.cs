using Crosshead.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// Decodes on a CUDA device with steps captured as a graph: launching the operators one by one takes several times as long
/// as computing them. Prompts, and models whose steps cannot be captured, take the way of <see cref="TensorDecoder"/>.
/// </summary>
public sealed class CudaGraphDecoder : IDecoder
{
    private readonly LanguageModel _model;
    private readonly TensorDecoder _plain;
    private CapturedStep? _step;
    private bool _refused, _current; // whether steps cannot be captured; whether the last step was

    /// <summary>Prepares to decode.</summary>
    /// <param name="model">The model; must outlive the decoder.</param>
    /// <param name="sequences">Sequences B.</param>
    /// <param name="capacity">Most tokens a sequence, prompt included; at most the model's context.</param>
    public CudaGraphDecoder(LanguageModel model, int sequences, int capacity) => (_model, _plain) = (model, new TensorDecoder(model, sequences, capacity));

    /// <summary>Whether steps of the model are worth capturing: it computes in bfloat16 on a CUDA device.</summary>
    public static bool Supports(LanguageModel model) => model.Device.type == DeviceType.CUDA && model.ComputeType == ScalarType.BFloat16;

    /// <summary>Whether the last step was a captured one.</summary>
    public bool IsCaptured => _current;

    /// <summary>Kernels and copies of a captured step; 0 where there is none yet.</summary>
    internal int Nodes => _step?.Nodes ?? 0;

    /// <inheritdoc/>
    public int Sequences => _plain.Sequences;

    /// <inheritdoc/>
    public int VocabularySize => _plain.VocabularySize;

    /// <inheritdoc/>
    public long CacheBytes => _plain.CacheBytes;

    /// <inheritdoc/>
    public void Prefill(IReadOnlyList<IReadOnlyList<int>> prompts, int chunk, CancellationToken cancellation = default)
    {
        Forget();
        _plain.Prefill(prompts, chunk, cancellation);
    }

    /// <summary>Takes prompts of so many tokens as read, with a cache drawn at random.</summary>
    internal void Draw(int tokens)
    {
        Forget();
        _plain.Draw(tokens);
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> ids)
    {
        if (!_refused)
        {
            _step ??= new CapturedStep(_model, _plain.State!, Sequences);
            _current = _step.TryRun(ids);
            if (_current) return;
            _refused = true;
            Forget();
        }
        _plain.Step(ids);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Logits(int sequence) =>
        _current ? _step!.Logits(sequence) : _plain.Logits(sequence);

    /// <inheritdoc/>
    public (int Id, float Logit) MostLikely(int sequence) =>
        _current ? _step!.MostLikely(sequence) : ((IDecoder)_plain).MostLikely(sequence);

    /// <inheritdoc/>
    public void Rewind(int count) => _plain.Rewind(count);

    /// <inheritdoc/>
    public void Dispose()
    {
        Forget();
        _plain.Dispose();
    }

    private void Forget()
    {
        _step?.Dispose();
        (_step, _current) = (null, false);
    }
}
