using Crosshead.Kernels.Maxima;
using Crosshead.Model;
using Crosshead.Model.Views;
using Crosshead.Runtime.Cuda;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// One decoding step as one launch. The model's operations work on fixed memory and are captured as a CUDA graph at the
/// first step. The positions are on the device, so every step does the same work.
/// </summary>
internal sealed class CapturedStep : IDisposable
{
    private readonly LanguageModel _model;
    private readonly DecodeState _state;
    private readonly int _slots;
    private readonly StepGraph _graph;
    // input of a step: a position per slot, then a token per slot; output: ids and logits of the likeliest tokens
    private readonly PinnedMemory _told, _ids, _values;
    private readonly Tensor _input;                     // [2·B] (int64)
    private PinnedMemory? _logitsOnHost;
    private Tensor? _logits;                            // [B, V] of the captured step
    private bool _fetched; // whether the logits of the last step are on the host

    /// <summary>Allocates the memory; captures nothing yet.</summary>
    /// <param name="model">The model, on a CUDA device.</param>
    /// <param name="state">The cache of earlier tokens; must outlive the step.</param>
    /// <param name="slots">Number of slots B, counted from the first slot.</param>
    public CapturedStep(LanguageModel model, DecodeState state, int slots)
    {
        (_model, _state, _slots) = (model, state, slots);
        _input = zeros([2 * slots], ScalarType.Int64, model.Device).DetachFromDisposeScope();
        var index = _input.device.index; // the model's may be left open
        _graph = new StepGraph(model, index);
        _told = new PinnedMemory(index, 2 * slots * sizeof(long));
        _ids = new PinnedMemory(index, slots * sizeof(long));
        _values = new PinnedMemory(index, slots * sizeof(float));
    }

    /// <summary>Number of nodes of the captured graph; 0 before the capture.</summary>
    public int Nodes => _graph.Nodes;

    /// <summary>Why the step cannot be captured; null if it can.</summary>
    public string? Refusal => _graph.Refusal;

    /// <summary>
    /// Computes one more token of some slots. The other slots are computed too, but their results are not used.
    /// </summary>
    /// <param name="pass">The pass, already checked.</param>
    /// <param name="runs">The runs of these slots in the pass, one token each.</param>
    /// <returns>Whether the step ran. False: the step cannot be captured, and nothing has changed.</returns>
    /// <exception cref="CrossheadException">The device failed.</exception>
    public bool TryRun(DecodePass pass, IReadOnlyList<TokenRun> runs)
    {
        var told = _told.Of<long>();
        for (var slot = 0; slot < _slots; slot++) (told[slot], told[_slots + slot]) = (_state.LengthOf(slot), 0);
        foreach (var run in runs) (told[run.Slot], told[_slots + run.Slot]) = (run.Start, pass.Rows[run.First].Token);
        if (!_graph.TryRun(Compute)) return false;
        foreach (var run in runs) _state.Keep(run.Slot, run.Start + 1);
        _fetched = false;
        return true;
    }

    /// <summary>
    /// The likeliest token after a slot's last token, and its logit. Of equal logits the lowest id counts.
    /// </summary>
    public (int Id, float Logit) MostLikely(int slot) => ((int)_ids.Of<long>()[slot], _values.Of<float>()[slot]);

    /// <summary>
    /// Logits [V] after a slot's last token; valid until the next step. The first call after a step copies the logits
    /// of all slots to the host.
    /// </summary>
    public ReadOnlySpan<float> Logits(int slot)
    {
        if (!_fetched) Fetch();
        var size = _model.Options.VocabularySize;
        return _logitsOnHost!.Of<float>().Slice(slot * size, size);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _graph.Dispose();
        _input.Dispose();
        foreach (var memory in new[] { _told, _ids, _values, _logitsOnHost }) memory?.Dispose();
    }

    private void Fetch()
    {
        using var scope = NewDisposeScope();
        using var stream = _graph.Stream.Enter();
        var logits = _logits!.to(ScalarType.Float32);
        _logitsOnHost ??= new PinnedMemory(_input.device.index, logits.numel() * sizeof(float));
        _logitsOnHost.CopyFrom(logits);
        _graph.Stream.Wait();
        _fetched = true;
    }

    private void Compute()
    {
        using var grad = no_grad();
        _told.CopyTo(_input);
        var view = _model.Views.At(_input.narrow(0, 0, _slots), _state.Capacity);
        var tokens = _input.narrow(0, _slots, _slots).unsqueeze(1);                             // [B,1]
        _logits = _model.Head(_model.Hidden(tokens, view, _state.LayersOf(0, _slots))).squeeze(1); // [B,V]
        RowMaxima.Write(_logits, _ids, _values);
    }
}
