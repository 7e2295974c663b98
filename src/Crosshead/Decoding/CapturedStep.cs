using Crosshead.Model;
using Crosshead.Model.Views;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// One step of decoding as one launch: the model's own operations on fixed memory, captured as a CUDA graph at the first
/// step. The position is on the device, so that every step is the same work.
/// </summary>
internal sealed class CapturedStep : IDisposable
{
    private readonly LanguageModel _model;
    private readonly DecodeState _state;
    private readonly SideStream _stream;
    private readonly PinnedMemory _told, _ids, _values; // what a step is told: the position, then a token a sequence; what it answers
    private readonly Tensor _input;                     // [1 + B] (int64)
    private PinnedMemory? _logitsOnHost;
    private Tensor? _logits;                            // [B, V] of the captured step
    private CudaGraph? _graph;
    private bool _fetched; // whether the logits of the last step are on the host

    /// <summary>Prepares; captures nothing yet.</summary>
    /// <param name="model">The model, on a CUDA device.</param>
    /// <param name="state">What earlier tokens left; must outlive this.</param>
    /// <param name="sequences">Sequences B.</param>
    public CapturedStep(LanguageModel model, DecodeState state, int sequences)
    {
        (_model, _state, Sequences) = (model, state, sequences);
        _input = zeros([1 + sequences], ScalarType.Int64, model.Device).DetachFromDisposeScope();
        var index = _input.device.index; // the model's may be left open
        _stream = SideStream.Rent(index);
        _told = new PinnedMemory(index, (1 + sequences) * sizeof(long));
        _ids = new PinnedMemory(index, sequences * sizeof(long));
        _values = new PinnedMemory(index, sequences * sizeof(float));
        cuda.synchronize(model.Device); // the side stream does not wait for the one that the prompts were computed on
    }

    /// <summary>Sequences B.</summary>
    public int Sequences { get; }

    /// <summary>Nodes of the captured graph; 0 before there is one.</summary>
    public int Nodes => _graph?.Nodes ?? 0;

    /// <summary>Computes one more token of every sequence.</summary>
    /// <param name="ids">A token a sequence; below 0 for a sequence that has ended.</param>
    /// <returns>Whether it was done; where not, the step cannot be captured, and nothing has changed.</returns>
    /// <exception cref="CrossheadException">The device failed.</exception>
    /// <exception cref="InvalidOperationException">The capacity is exceeded.</exception>
    public bool TryRun(ReadOnlySpan<int> ids)
    {
        if (_state.Length == _state.Capacity)
            throw new InvalidOperationException($"the cache holds {_state.Capacity} tokens; one more does not fit.");
        var told = _told.Of<long>();
        told[0] = _state.Length;
        for (var b = 0; b < Sequences; b++) told[1 + b] = Math.Max(ids[b], 0);
        if (_graph is null && !TryCapture()) return false;
        _graph!.Launch();
        _stream.Wait();
        _state.Advance(1);
        _fetched = false;
        return true;
    }

    /// <summary>The likeliest token after a sequence's last, the lowest of equals, and its logit.</summary>
    public (int Id, float Logit) MostLikely(int sequence) => ((int)_ids.Of<long>()[sequence], _values.Of<float>()[sequence]);

    /// <summary>Logits [V] after a sequence's last token; valid until the next step. All sequences' come to the host when the first is asked for.</summary>
    public ReadOnlySpan<float> Logits(int sequence)
    {
        if (!_fetched) Fetch();
        var size = _model.Options.VocabularySize;
        return _logitsOnHost!.Of<float>().Slice(sequence * size, size);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _graph?.Dispose();
        _stream.Dispose();
        _input.Dispose();
        foreach (var memory in new[] { _told, _ids, _values, _logitsOnHost }) memory?.Dispose();
    }

    private void Fetch()
    {
        using var scope = NewDisposeScope();
        using var stream = _stream.Enter();
        var logits = _logits!.to(ScalarType.Float32);
        _logitsOnHost ??= new PinnedMemory(_input.device.index, logits.numel() * sizeof(float));
        _logitsOnHost.CopyFrom(logits);
        _stream.Wait();
        _fetched = true;
    }

    // Once as it is, so that libraries and kernels are set up and the stream's memory is there; then captured.
    private bool TryCapture()
    {
        using (NewDisposeScope())
        using (_stream.Enter())
        {
            Compute();
            _stream.Wait();
        }
        _graph = CudaGraph.TryCapture(_input.device.index, _stream, () => _logits = Compute(), out _);
        return _graph is not null;
    }

    private Tensor Compute()
    {
        using var grad = no_grad();
        _told.CopyTo(_input);
        var spans = _model.SpansAt(_input.narrow(0, 0, 1), _state);
        var tokens = _input.narrow(0, 1, Sequences).unsqueeze(1);                                  // [B,1]
        var logits = _model.Head(_model.Hidden(tokens, spans, _state)).squeeze(1);                 // [B,V]
        var (values, ids) = logits.max(-1);                                                       // the first of the largest
        _ids.CopyFrom(ids);
        _values.CopyFrom(values.to(ScalarType.Float32));
        return logits;
    }
}
