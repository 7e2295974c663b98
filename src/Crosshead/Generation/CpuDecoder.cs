using Crosshead.Generation.Cpu;

namespace Crosshead.Generation;

/// <summary>
/// Decodes on the CPU without tensor operators: weights and cache lie as its vector kernels read them, all memory is
/// taken once, and a token is one parallel region whose phases meet at spinning barriers. Decoding a token reads every
/// weight once, so its speed is that of the memory the weights lie in. Sequences need no padding.
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
        : this(weights, sequences, capacity, (int)Math.Clamp(weights.BytesPerToken / LeastBytesPerThread, 1, ThreadTeam.MaxMembers))
    {
    }

    /// <summary>Prepares to decode on at most so many threads.</summary>
    internal CpuDecoder(CpuWeights weights, int sequences, int capacity, int threads)
    {
        (_weights, _capacity, _lengths) = (weights, capacity, new int[sequences]);
        _team = new ThreadTeam(Work, threads);
        _rotary = weights.RotaryTable(capacity);
        _attentionScratch = new AttentionScratch([.. weights.Layers.Select(l => l.Attention)], capacity, _team.Members);
        _scratch = new DecodeScratch(weights.Options, _team.Members);
        _attention = [.. Enumerable.Range(0, weights.Layers.Length).Select(i => weights.CachedAttention(i, _attentionScratch, _rotary, sequences, capacity))];
        _logits = new Rows(sequences, VocabularySize);
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
                _team.Run();
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
            if (_pass.Count > 0) _team.Run();
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

    // One member's part of a pass. What a phase reads of another member's work lies behind a barrier.
    private void Work(ThreadTeam.Member member)
    {
        if (member.Index == 0) Embed();
        member.Barrier();
        for (var i = 0; i < _weights.Layers.Length; i++)
        {
            Attend(ref member, _weights.Layers[i], _attention[i]);
            FeedForward(ref member, _weights.Layers[i]);
        }
        Head(ref member);
    }

    private void Embed()
    {
        for (var r = 0; r < _pass.Count; r++) _weights.Embedding.ReadRow(_pass[r].Token, new Span<float>(_scratch.Hidden[r], _scratch.Hidden.Width));
    }

    private void Attend(ref ThreadTeam.Member member, LayerWeights layer, CachedAttention attention)
    {
        var normed = Normed(ref member, layer.InputNorm);
        Multiply(ref member, layer.Attention.Projections, normed, 0, _pass.Count, _attentionScratch.Projected, 0);
        member.Barrier();
        for (var phase = 0; phase < attention.Phases; phase++)
        {
            var (first, end) = member.Share(attention.Items(phase, _pass));
            attention.Run(phase, _pass, first, end, member.Index);
            member.Barrier();
        }
        var (start, stop) = Multiply(ref member, layer.Attention.Output, _attentionScratch.Heads, 0, _pass.Count, _scratch.Delta, 0);
        for (var r = 0; r < _pass.Count; r++) RowMath.Add(_scratch.Delta[r] + start, _scratch.Hidden[r] + start, stop - start);
        member.Barrier();
    }

    private void FeedForward(ref ThreadTeam.Member member, LayerWeights layer)
    {
        var normed = Normed(ref member, layer.FeedForwardNorm);
        var routes = Route(ref member, layer, normed);
        for (var choice = 0; choice < layer.ExpertsPerToken; choice++)
        {
            for (int r = 0, count; r < _pass.Count; r += count)
            {
                count = routes.Run(choice, r, _pass.Count);
                var (expert, place) = (layer.Experts[routes[choice, r].Expert], (choice * DecodePass.MaxRows) + r);
                var (first, end) = Multiply(ref member, expert.Gate, normed, r, count, _scratch.Gate, place);
                Multiply(ref member, expert.Up, normed, r, count, _scratch.Up, place);
                for (var i = 0; i < count; i++) RowMath.SwiGlu(_scratch.Gate[place + i] + first, _scratch.Up[place + i] + first, end - first);
            }
        }
        member.Barrier();
        for (var choice = 0; choice < layer.ExpertsPerToken; choice++)
        {
            for (int r = 0, count; r < _pass.Count; r += count)
            {
                count = routes.Run(choice, r, _pass.Count);
                var (first, end) = Multiply(ref member, layer.Experts[routes[choice, r].Expert].Down, _scratch.Gate, (choice * DecodePass.MaxRows) + r, count, _scratch.Delta, r);
                for (var i = r; i < r + count; i++) RowMath.AddScaled(_scratch.Delta[i] + first, routes[choice, i].Weight, _scratch.Hidden[i] + first, end - first);
            }
        }
        member.Barrier();
    }

    // Which experts the tokens go to: a dense layer is a mixture of one.
    private ExpertRoutes Route(ref ThreadTeam.Member member, LayerWeights layer, Rows normed)
    {
        if (layer.Router is not { } router) return _scratch.Dense;
        Multiply(ref member, router.Matrix, normed, 0, _pass.Count, _scratch.Logits, 0);
        member.Barrier();
        var (first, end) = member.Share(_pass.Count);
        for (var r = first; r < end; r++) router.Route(_scratch.Logits[r], _scratch.Routes, r);
        member.Barrier();
        return _scratch.Routes;
    }

    private void Head(ref ThreadTeam.Member member)
    {
        var normed = _scratch.Normed[member.Index];
        var (first, end) = member.Share(_weights.Head.Panels);
        for (var r = 0; r < _pass.Count; r++)
        {
            if (!_pass[r].Wanted) continue;
            // Rows of neighbouring sequences share the reading of the matrix.
            var (sequence, count) = (_pass[r].Sequence, 0);
            for (; r < _pass.Count && _pass[r].Wanted && _pass[r].Sequence == sequence + count; r++, count++)
                RowMath.RmsNorm(_scratch.Hidden[r], _weights.Norm[0], normed.Width, _weights.Options.NormEpsilon, normed[count]);
            r--;
            _weights.Head.Multiply(first, end, normed[0], normed.Stride, count, _logits[sequence], _logits.Stride);
        }
    }

    private Rows Normed(ref ThreadTeam.Member member, Rows weight)
    {
        var normed = _scratch.Normed[member.Index];
        for (var r = 0; r < _pass.Count; r++) RowMath.RmsNorm(_scratch.Hidden[r], weight[0], normed.Width, _weights.Options.NormEpsilon, normed[r]);
        return normed;
    }

    // y[to + i] = W x[from + i], this member's share of the outputs, which is returned.
    private static (int First, int End) Multiply(ref ThreadTeam.Member member, PackedMatrix matrix, Rows x, int from, int count, Rows y, int to)
    {
        var (first, end) = member.Share(matrix.Panels);
        matrix.Multiply(first, end, x[from], x.Stride, count, y[to], y.Stride);
        return (first * Panel.Lanes, end * Panel.Lanes);
    }
}
