using System.Collections.Concurrent;
using Crosshead.Decoding;
using Crosshead.Generation;
using Crosshead.Runtime;

namespace Crosshead.Serving;

/// <summary>
/// Draws the tokens of a step. Where logits of a large vocabulary decide, sequences are drawn on several threads: each
/// has random numbers of its own, so the order in which they are drawn changes nothing.
/// </summary>
/// <param name="decoder">What computes the logits.</param>
internal sealed class StepDraws(IDecoder decoder)
{
    private const int LeastParallel = 1 << 16; // logits below which threads cost more than they save
    private readonly ConcurrentBag<SamplerScratch> _scratches = []; // for several threads
    private readonly SamplerScratch _scratch = new(decoder.VocabularySize);
    private readonly List<int> _large = [];
    private readonly ParallelOptions _options = new() { MaxDegreeOfParallelism = ComputeThreads.Count };
    private StepDraw[] _draws = [];

    /// <summary>Draws what a step gives.</summary>
    /// <param name="plan">The step, which the decoder has computed.</param>
    /// <returns>One draw per run; valid until the next step.</returns>
    public ReadOnlySpan<StepDraw> Take(StepPlan plan)
    {
        var (row, count) = (0, plan.Runs.Count);
        if (_draws.Length < count) _draws = new StepDraw[2 * count];
        _large.Clear();
        for (var i = 0; i < count; i++)
        {
            var (sequence, tokens) = plan.Runs[i];
            var choice = (Choice)sequence;
            _draws[i] = new StepDraw(choice, row, tokens);
            if (tokens == choice.Left && choice.NeedsLogits) _large.Add(i);
            else Take(i, _scratch);
            row += tokens;
        }
        if (_large.Count > 1 && (long)_large.Count * decoder.VocabularySize >= LeastParallel)
        {
            var first = _draws[_large[0]];
            var last = first.Row + first.Count - 1;
            // after this, other threads may read the others
            if (!first.Choice.MayTakeLargest || decoder.Largest(last) is null) decoder.Logits(last);
            Parallel.For(0, _large.Count, _options, TakeLarge);
        }
        else
        {
            foreach (var i in _large) Take(i, _scratch);
        }
        return _draws.AsSpan(0, count);
    }

    private void TakeLarge(int index)
    {
        if (!_scratches.TryTake(out var scratch)) scratch = new SamplerScratch(decoder.VocabularySize);
        Take(_large[index], scratch);
        _scratches.Add(scratch);
    }

    private void Take(int index, SamplerScratch scratch)
    {
        ref var draw = ref _draws[index];
        try
        {
            draw.Choice.TakePromptRows(decoder, draw.Row, draw.Count);
            if (draw.Count == draw.Choice.Left)
                draw.Event = draw.Choice.Advance(decoder, draw.Row + draw.Count - 1, scratch);
        }
        catch (Exception failure)
        {
            draw.Failure = failure as CrossheadException
                ?? new CrossheadException($"the request failed: {failure.Message}", failure);
        }
    }
}
