using System.Runtime.InteropServices;
using Crosshead.Attention.Caches;
using Crosshead.Model;
using Crosshead.Model.Views;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// Decodes with the model's own tensor operators, on any device, in any precision and with any batch.
/// </summary>
public sealed class TensorDecoder : IDecoder
{
    private readonly LanguageModel _model;
    private readonly WantedRows _wanted = new();
    private float[] _logits = []; // [wanted rows, V]

    /// <summary>Prepares to decode.</summary>
    /// <param name="model">The model; must outlive the decoder.</param>
    /// <param name="slots">Number of sequences side by side.</param>
    /// <param name="capacity">Maximum number of tokens per sequence, including its prompt; at most the model's
    /// context.</param>
    public TensorDecoder(LanguageModel model, int slots, int capacity) : this(model, slots, capacity, null)
    {
    }

    /// <summary>The same with a cache that keeps numbers in its own way; null for the model's precision.</summary>
    internal TensorDecoder(LanguageModel model, int slots, int capacity, CacheFormat? format)
    {
        _model = model;
        State = model.CreateDecodeState(slots, capacity, spare: 1, format); // where slots that rest write to
    }

    /// <summary>The cache of the tokens so far.</summary>
    internal DecodeState State { get; }

    /// <inheritdoc/>
    public ICacheStore Cache => State;

    /// <inheritdoc/>
    public int VocabularySize => _model.Options.VocabularySize;

    /// <inheritdoc/>
    public int? ShortContext => _model.Options.ShortContext;

    /// <inheritdoc/>
    public void Run(DecodePass pass, CancellationToken cancellation = default)
    {
        pass.Require(State);
        Run(pass, pass.Runs(), cancellation);
    }

    /// <summary>Computes some runs of a pass; the pass is already checked.</summary>
    internal void Run(DecodePass pass, IReadOnlyList<TokenRun> runs, CancellationToken cancellation = default)
    {
        _wanted.Take(pass);
        if (_logits.LongLength < (long)_wanted.Count * VocabularySize)
            _logits = new float[(long)_wanted.Count * VocabularySize];
        using var grad = no_grad();
        var within = _model.Options.ShortContext;
        var (steps, prompts) = (runs.Where(r => r.IsStep(within)).ToList(), runs.Where(r => !r.IsStep(within)));
        if (steps.Count > 0) Step(pass, steps);
        foreach (var runsOfOneStart in prompts.GroupBy(r => (r.Start, r.Reach > within)))
        {
            foreach (var block in SlotBlock.Of(runsOfOneStart))
            {
                cancellation.ThrowIfCancellationRequested();
                Prefill(pass, block);
            }
        }
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Logits(int row) => _logits.AsSpan(_wanted[row] * VocabularySize, VocabularySize);

    /// <inheritdoc/>
    public void Dispose() => State.Dispose();

    // Computes one token per run. The batch contains all slots up to the last one with a run.
    private void Step(DecodePass pass, List<TokenRun> runs)
    {
        using var scope = NewDisposeScope();
        var count = runs.Max(r => r.Slot) + 1;
        var (ids, positions) = (new long[count], new long[count]);
        for (var slot = 0; slot < count; slot++) positions[slot] = State.LengthOf(slot); // of those that rest
        foreach (var run in runs) (ids[run.Slot], positions[run.Slot]) = (pass.Rows[run.First].Token, run.Start);
        var together = runs.Count == count && positions.AsSpan().IndexOfAnyExcept(positions[0]) < 0;
        var view = together
            ? _model.Views.Of(positions[0], 1)
            : _model.Views.At(tensor(positions, [count], ScalarType.Int64, _model.Device), runs.Max(r => r.Start) + 1);
        // [S,1,D]
        var hidden = _model.Hidden(tensor(ids, [count, 1], ScalarType.Int64, _model.Device), view,
            State.LayersOf(0, count));
        Finish(pass, runs, 0, hidden);
    }

    // Computes prompts of neighbouring slots that begin at the same position. Shorter prompts are padded. No token sees
    // the padding, and later tokens overwrite it.
    private void Prefill(DecodePass pass, SlotBlock block)
    {
        using var scope = NewDisposeScope();
        var ids = new long[block.Runs.Count * block.Longest];
        for (var b = 0; b < block.Runs.Count; b++)
            for (var n = 0; n < block.Runs[b].Count; n++)
                ids[(b * block.Longest) + n] = pass.Rows[block.Runs[b].First + n].Token;
        var tokens = tensor(ids, [block.Runs.Count, block.Longest], ScalarType.Int64, _model.Device);
        // [S,N,D]
        var view = _model.Views.Of(block.Start, block.Longest, reach: block.Runs.Max(r => r.Reach));
        var hidden = _model.Hidden(tokens, view,
            State.LayersOf(block.FirstSlot, block.Runs.Count));
        Finish(pass, block.Runs, block.FirstSlot, hidden);
    }

    // Counts the tokens of the runs and stores the wanted logits. Hidden states [S, N, D] begin at slot `firstSlot`.
    private void Finish(DecodePass pass, IReadOnlyList<TokenRun> runs, int firstSlot, Tensor hidden)
    {
        var longest = hidden.shape[1];
        foreach (var run in runs) State.Keep(run.Slot, run.Start + run.Count);
        // the place of each wanted row in the hidden states, and among the logits
        var (from, to) = (new List<long>(), new List<int>());
        foreach (var run in runs.OrderBy(r => r.Slot))
        {
            for (var n = 0; n < run.Count; n++)
            {
                if (!pass.Rows[run.First + n].Wanted) continue;
                from.Add(((run.Slot - firstSlot) * longest) + n);
                to.Add(_wanted[run.First + n]);
            }
        }
        if (from.Count == 0) return;
        var rows = from.Count == hidden.shape[0] && longest == 1 ? hidden
            : hidden.flatten(0, 1).index_select(0, tensor(from.ToArray(), [from.Count], ScalarType.Int64,
                _model.Device)).unsqueeze(1);
        var logits = _model.Head(rows).to(ScalarType.Float32).cpu().contiguous();           // [W,1,V]
        var values = MemoryMarshal.Cast<byte, float>(logits.bytes);
        for (var w = 0; w < to.Count; w++)
            values.Slice(w * VocabularySize, VocabularySize).CopyTo(_logits.AsSpan(to[w] * VocabularySize));
    }
}
