using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// The logits that a pass left on the device. What of them is asked for comes to the host, and stays there until the
/// next pass. Several threads may ask at once.
/// </summary>
/// <param name="vocabulary">Number of logits V of a row.</param>
/// <param name="follow">Called before something is queued on the stream that prompts are computed on.</param>
/// <param name="apart">Whether the numbers of a row must not depend on how many rows are asked for.</param>
internal sealed class PassLogits(int vocabulary, Action follow, bool apart) : IDisposable
{
    private const int MostLargest = 256; // logits of a row that the device sorts

    private readonly Lock _fetching = new();
    // logits on the device, where each of their rows goes, and the step that owns them, if one does
    private readonly List<(Tensor Logits, int[] Places, PagedStep? Step)> _results = [];
    private readonly HostRows _logits = new(vocabulary); // of the wanted rows, in the order of the results
    private int[] _rowOf = [];                        // [wanted rows]
    private (int Id, float Logit)[] _likeliest = [];  // [wanted rows]
    private LargestLogits[] _largest = [];            // [wanted rows]
    private int _wanted;
    private bool _hasLikeliest, _hasLogits, _hasLargest;

    /// <summary>Begins another pass.</summary>
    /// <param name="wanted">Number of rows that want logits.</param>
    public void Begin(int wanted)
    {
        foreach (var (logits, _, step) in _results)
            if (step is null) logits.Dispose();
        _results.Clear();
        (_wanted, _hasLikeliest, _hasLogits, _hasLargest) = (wanted, false, false, false);
    }

    /// <summary>Adds logits, and disposes of them when the next pass begins.</summary>
    /// <param name="logits">[n, V]</param>
    /// <param name="places">The wanted rows that they belong to, n.</param>
    public void Add(Tensor logits, int[] places) => _results.Add((logits, places, null));

    /// <summary>Adds the logits of a captured step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="places">The wanted rows that its first logits belong to.</param>
    public void Add(PagedStep step, int[] places)
    {
        if (places.Length > 0) _results.Add((step.Logits, places, step));
    }

    /// <summary>Copies what belongs to captured steps, because one of them may run again in the same pass.</summary>
    public void Keep()
    {
        for (var i = 0; i < _results.Count; i++)
        {
            var (logits, places, step) = _results[i];
            if (step is null) continue;
            follow();
            _results[i] = (Sorted(logits, places).clone().DetachFromDisposeScope(), places, null);
        }
    }

    /// <summary>Logits [V] of a wanted row.</summary>
    public ReadOnlySpan<float> Of(int place)
    {
        lock (_fetching)
            if (!_hasLogits) FetchLogits();
        return _logits[_rowOf[place]];
    }

    /// <summary>The likeliest token of a wanted row, the lowest of equals, and its logit.</summary>
    public (int Id, float Logit) MostLikely(int place)
    {
        lock (_fetching)
            if (!_hasLikeliest) FetchLikeliest();
        return _likeliest[place];
    }

    /// <summary>The largest logits of a wanted row; null if all of them are on the host.</summary>
    public LargestLogits? Largest(int place)
    {
        lock (_fetching)
        {
            if (_hasLogits && !apart) return null;
            if (!_hasLargest) FetchLargest();
        }
        return _largest[place];
    }

    private void FetchLogits()
    {
        follow();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        if (_rowOf.Length < _wanted) _rowOf = new int[_wanted];
        _logits.Begin(_wanted, _results[0].Logits);
        var row = 0;
        foreach (var (logits, places, _) in _results)
        {
            _logits.Add(logits.narrow(0, 0, places.Length));
            foreach (var place in places) _rowOf[place] = row++;
        }
        _logits.Wait();
        _hasLogits = true;
    }

    private void FetchLargest()
    {
        follow();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        if (_largest.Length < _wanted) _largest = new LargestLogits[_wanted];
        var most = Math.Min(MostLargest, vocabulary);
        foreach (var (logits, places, _) in _results)
        {
            var rows = Sorted(logits, places).to(ScalarType.Float32);
            var (values, ids) = rows.topk(most, -1, largest: true, sorted: true);
            var sums = rows.logsumexp(-1).cpu().data<float>().ToArray();
            var (largest, tokens) = (values.cpu().data<float>().ToArray(),
                ids.to(ScalarType.Int32).cpu().data<int>().ToArray());
            for (var w = 0; w < places.Length; w++)
            {
                var own = new Range(w * most, (w + 1) * most);
                _largest[places[w]] = new LargestLogits(tokens.AsMemory(own), largest.AsMemory(own), sums[w]);
            }
        }
        _hasLargest = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Begin(wanted: 0);
        _logits.Dispose();
    }

    // The order in which the device adds the numbers of a row depends on the number of rows.
    private Tensor Sorted(Tensor logits, int[] places) => apart ? logits : logits.narrow(0, 0, places.Length);

    private void FetchLikeliest()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        if (_likeliest.Length < _wanted) _likeliest = new (int, float)[_wanted];
        foreach (var (logits, places, step) in _results)
        {
            if (step is not null)
            {
                for (var w = 0; w < places.Length; w++) _likeliest[places[w]] = step.MostLikely(w);
                continue;
            }
            var (values, ids) = logits.max(-1); // the first of the largest
            var (best, id) = (values.to(ScalarType.Float32).cpu().data<float>(), ids.cpu().data<long>());
            for (var w = 0; w < places.Length; w++) _likeliest[places[w]] = ((int)id[w], best[w]);
        }
        _hasLikeliest = true;
    }
}
