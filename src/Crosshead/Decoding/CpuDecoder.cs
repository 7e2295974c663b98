using Crosshead.Decoding.Cpu;
using Crosshead.Runtime;

namespace Crosshead.Decoding;

/// <summary>
/// Decodes on the CPU without tensor operators: weights and cache lie as its vector kernels read them, all memory is
/// taken once, and the phases of a token are shared out to a team of threads. Decoding a token reads every weight once, so its
/// speed is that of the memory the weights lie in. Sequences need no padding.
/// </summary>
public sealed unsafe class CpuDecoder : IDecoder
{
    // A thread that has less to read spends its time waiting for the others.
    private const long LeastBytesPerThread = 256 << 10;

    private readonly CpuWeights _weights;
    private readonly ThreadTeam _team;
    private readonly RotaryTable _rotary;
    private readonly AttentionScratch _attentionScratch;
    private readonly DecodeScratch _scratch;
    private readonly CachedAttention[] _attention;
    private readonly Rows _logits; // [sequence]
    private readonly DecodePass _pass = new();
    private readonly int[] _lengths;
    private readonly int _capacity;

    /// <summary>Prepares to decode.</summary>
    /// <param name="weights">The model; must outlive the decoder.</param>
    /// <param name="sequences">Sequences side by side.</param>
    /// <param name="capacity">Most tokens a sequence, prompt included; at most the model's context.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public CpuDecoder(CpuWeights weights, int sequences, int capacity)
        : this(weights, sequences, capacity, (int)Math.Clamp(weights.BytesPerToken / LeastBytesPerThread, 1, ComputeThreads.Count))
    {
    }

    /// <summary>Prepares to decode on at most so many threads.</summary>
    internal CpuDecoder(CpuWeights weights, int sequences, int capacity, int threads)
    {
        (_weights, _capacity, _lengths) = (weights, capacity, new int[sequences]);
        _rotary = weights.RotaryTable(capacity);
        _attentionScratch = new AttentionScratch([.. weights.Layers.Select(l => l.Attention)], capacity, threads);
        _scratch = new DecodeScratch(weights.Options, threads);
        _attention = [.. Enumerable.Range(0, weights.Layers.Length).Select(i => weights.CachedAttention(i, _attentionScratch, _rotary, sequences, capacity))];
        _logits = new Rows(sequences, VocabularySize);
        _team = new ThreadTeam(threads, [.. weights.Layers.SelectMany((layer, i) => Phases(layer, _attention[i])), HeadPhase()]);
    }

    /// <inheritdoc/>
    public int Sequences => _lengths.Length;

    /// <inheritdoc/>
    public int VocabularySize => _weights.Options.VocabularySize;

    /// <inheritdoc/>
    public long CacheBytes
    {
        get
        {
            var tokens = 0L;
            foreach (var length in _lengths) tokens += length;
            return tokens * _weights.CacheBytesPerToken;
        }
    }

    /// <inheritdoc/>
    public void Prefill(IReadOnlyList<IReadOnlyList<int>> prompts, int chunk, CancellationToken cancellation = default)
    {
        for (var s = 0; s < prompts.Count; s++)
        {
            for (var n = 0; n < prompts[s].Count;)
            {
                cancellation.ThrowIfCancellationRequested();
                for (_pass.Clear(); n < prompts[s].Count && _pass.Count < chunk && !_pass.Full; n++)
                    Add(s, prompts[s][n], wanted: n == prompts[s].Count - 1);
                RunPass();
            }
        }
    }

    /// <inheritdoc/>
    public void Step(ReadOnlySpan<int> ids)
    {
        for (var s = 0; s < Sequences;)
        {
            for (_pass.Clear(); s < Sequences && !_pass.Full; s++)
                if (ids[s] >= 0) Add(s, ids[s], wanted: true);
            if (_pass.Count > 0) RunPass();
        }
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Logits(int sequence) => new(_logits[sequence], VocabularySize);

    /// <inheritdoc/>
    public void Rewind(int count)
    {
        foreach (ref var length in _lengths.AsSpan()) length = Math.Max(0, length - count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _team.Dispose();
        _rotary.Dispose();
        _attentionScratch.Dispose();
        _scratch.Dispose();
        foreach (var layer in _attention) layer.Dispose();
        _logits.Dispose();
    }

    private void Add(int sequence, int token, bool wanted)
    {
        if (_lengths[sequence] == _capacity)
            throw new CrossheadException($"sequence {sequence} holds {_capacity} tokens already, as many as was asked for; give the decoder a larger capacity.");
        _pass.Add(sequence, _lengths[sequence]++, token, wanted);
    }

    private void RunPass()
    {
        for (var r = 0; r < _pass.Count; r++) _weights.Embedding.ReadRow(_pass[r].Token, new Span<float>(_scratch.Hidden[r], _scratch.Hidden.Width));
        _team.Run();
    }

    // What a pass does in a layer. What a phase reads of another member's work was written in a phase before.
    private IEnumerable<TeamPhase> Phases(LayerWeights layer, CachedAttention attention)
    {
        yield return new TeamPhase(
            () => layer.Attention.Projections.Panels,
            (first, end, member) => Multiply(layer.Attention.Projections, first, end, _scratch.Normed[member], 0, _pass.Count, _attentionScratch.Projected, 0),
            member => Norm(layer.InputNorm, member));
        for (var p = 0; p < attention.Phases; p++)
        {
            var phase = p;
            yield return new TeamPhase(() => attention.Items(phase, _pass), (first, end, member) => attention.Run(phase, _pass, first, end, member));
        }
        yield return new TeamPhase(() => layer.Attention.Output.Panels, (first, end, _) => Merge(layer, first, end));

        Action<int> norm = member => Norm(layer.FeedForwardNorm, member);
        if (layer.Router is { } router)
        {
            yield return new TeamPhase(
                () => router.Matrix.Panels,
                (first, end, member) => Multiply(router.Matrix, first, end, _scratch.Normed[member], 0, _pass.Count, _scratch.Logits, 0),
                norm);
            yield return new TeamPhase(() => _pass.Count, (first, end, _) => Route(router, first, end));
        }
        yield return new TeamPhase(() => layer.Experts[0].Gate.Panels, (first, end, member) => Gate(layer, first, end, _scratch.Normed[member]), norm);
        yield return new TeamPhase(() => layer.Experts[0].Down.Panels, (first, end, _) => Down(layer, first, end));
    }

    private TeamPhase HeadPhase() => new(
        () => _weights.Head.Panels, (first, end, member) => Head(first, end, _scratch.Normed[member]), member => Norm(_weights.Norm, member));

    // Each member norms for itself: that takes less time than to fetch what another has normed.
    private void Norm(Rows weight, int member)
    {
        var normed = _scratch.Normed[member];
        for (var r = 0; r < _pass.Count; r++) RowMath.RmsNorm(_scratch.Hidden[r], weight[0], normed.Width, _weights.Options.NormEpsilon, normed[r]);
    }

    private void Merge(LayerWeights layer, int first, int end)
    {
        Multiply(layer.Attention.Output, first, end, _attentionScratch.Heads, 0, _pass.Count, _scratch.Delta, 0);
        var (start, count) = (first * Panel.Lanes, (end - first) * Panel.Lanes);
        for (var r = 0; r < _pass.Count; r++) RowMath.Add(_scratch.Delta[r] + start, _scratch.Hidden[r] + start, count);
    }

    private void Route(Router router, int first, int end)
    {
        for (var r = first; r < end; r++) router.Route(_scratch.Logits[r], _scratch.Routes, r);
    }

    // Which experts the tokens go to: a dense layer is a mixture of one.
    private ExpertRoutes Routes(LayerWeights layer) => layer.Router is null ? _scratch.Dense : _scratch.Routes;

    private void Gate(LayerWeights layer, int first, int end, Rows normed)
    {
        var routes = Routes(layer);
        var (start, length) = (first * Panel.Lanes, (end - first) * Panel.Lanes);
        for (var choice = 0; choice < layer.ExpertsPerToken; choice++)
        {
            for (int r = 0, count; r < _pass.Count; r += count)
            {
                count = routes.Run(choice, r, _pass.Count);
                var (expert, place) = (layer.Experts[routes[choice, r].Expert], (choice * DecodePass.MaxRows) + r);
                Multiply(expert.Gate, first, end, normed, r, count, _scratch.Gate, place);
                Multiply(expert.Up, first, end, normed, r, count, _scratch.Up, place);
                for (var i = place; i < place + count; i++) RowMath.SwiGlu(_scratch.Gate[i] + start, _scratch.Up[i] + start, length);
            }
        }
    }

    private void Down(LayerWeights layer, int first, int end)
    {
        var routes = Routes(layer);
        var (start, length) = (first * Panel.Lanes, (end - first) * Panel.Lanes);
        for (var choice = 0; choice < layer.ExpertsPerToken; choice++)
        {
            for (int r = 0, count; r < _pass.Count; r += count)
            {
                count = routes.Run(choice, r, _pass.Count);
                Multiply(layer.Experts[routes[choice, r].Expert].Down, first, end, _scratch.Gate, (choice * DecodePass.MaxRows) + r, count, _scratch.Delta, r);
                for (var i = r; i < r + count; i++) RowMath.AddScaled(_scratch.Delta[i] + start, routes[choice, i].Weight, _scratch.Hidden[i] + start, length);
            }
        }
    }

    private void Head(int first, int end, Rows normed)
    {
        for (int r = 0, count; r < _pass.Count; r += count)
        {
            count = 1;
            if (!_pass[r].Wanted) continue;
            // Rows of neighbouring sequences share the reading of the matrix.
            while (r + count < _pass.Count && _pass[r + count].Wanted && _pass[r + count].Sequence == _pass[r].Sequence + count) count++;
            Multiply(_weights.Head, first, end, normed, r, count, _logits, _pass[r].Sequence);
        }
    }

    // y[to + i] = W x[from + i], some panels of the outputs.
    private static void Multiply(PackedMatrix matrix, int first, int end, Rows x, int from, int count, Rows y, int to) =>
        matrix.Multiply(first, end, x[from], x.Stride, count, y[to], y.Stride);
}
