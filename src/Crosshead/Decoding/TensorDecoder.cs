using System.Runtime.InteropServices;
using Crosshead.Model;
using Crosshead.Model.Views;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// Decodes by the model's own tensor operators: any device, precision and batch. Sequences are padded on the left so
/// that they end together.
/// </summary>
public sealed class TensorDecoder : IDecoder
{
    private readonly LanguageModel _model;
    private readonly int _capacity;
    private readonly float[] _logits; // [B, V]
    private readonly long[] _ids;
    private DecodeState? _state;

    /// <summary>Prepares to decode.</summary>
    /// <param name="model">The model; must outlive the decoder.</param>
    /// <param name="sequences">Sequences B.</param>
    /// <param name="capacity">Most tokens a sequence, prompt included; at most the model's context.</param>
    public TensorDecoder(LanguageModel model, int sequences, int capacity)
    {
        _model = model;
        Sequences = sequences;
        _capacity = capacity;
        _logits = new float[sequences * model.Options.VocabularySize];
        _ids = new long[sequences];
    }

    /// <summary>What the tokens so far have left; null before the prompts.</summary>
    internal DecodeState? State => _state;

    /// <inheritdoc/>
    public int Sequences { get; }

    /// <inheritdoc/>
    public int VocabularySize => _model.Options.VocabularySize;

    /// <inheritdoc/>
    public long CacheBytes => _state?.Bytes ?? 0;

    /// <inheritdoc/>
    public void Prefill(IReadOnlyList<IReadOnlyList<int>> prompts, int chunk, CancellationToken cancellation = default)
    {
        var longest = prompts.Max(p => p.Count);
        var padding = prompts.Select(p => (long)longest - p.Count).ToArray();
        _state?.Dispose();
        _state = _model.CreateDecodeState(Sequences, _capacity + padding.Max(), padding);
        for (var start = 0; start < longest; start += chunk)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(chunk, longest - start);
            var ids = new long[Sequences * count];
            for (var b = 0; b < Sequences; b++)
                for (var n = 0; n < count; n++)
                    ids[(b * count) + n] = start + n - padding[b] is >= 0 and var at ? prompts[b][(int)at] : 0;
            Compute(ids, count, wanted: start + count == longest);
        }
    }

    /// <summary>Takes prompts of so many tokens as read, with a cache drawn at random.</summary>
    internal void Draw(int tokens)
    {
        _state?.Dispose();
        _state = _model.CreateDecodeState(Sequences, _capacity, null);
        _state.Draw(tokens);
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> ids)
    {
        for (var b = 0; b < Sequences; b++) _ids[b] = Math.Max(ids[b], 0);
        Compute(_ids, 1, wanted: true);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Logits(int sequence) => _logits.AsSpan(sequence * VocabularySize, VocabularySize);

    /// <inheritdoc/>
    public void Rewind(int count) => _state?.Truncate(_state.Length - count);

    /// <inheritdoc/>
    public void Dispose() => _state?.Dispose();

    private void Compute(long[] ids, int count, bool wanted)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        var tokens = tensor(ids, [Sequences, count], ScalarType.Int64, _model.Device);
        if (!wanted)
        {
            _model.Hidden(tokens, _state);
            return;
        }
        var logits = _model.LastLogits(tokens, _state).to(ScalarType.Float32).cpu().contiguous();  // [B,1,V]
        MemoryMarshal.Cast<byte, float>(logits.bytes).CopyTo(_logits);
    }
}
