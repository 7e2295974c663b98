using Crosshead.Attention.Caches;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Runtime;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Decodes on the CPU without tensor operators. Weights and cache have the layout of the vector kernels. All memory is
/// allocated once. A team of threads shares the phases of a token. Decoding a token reads every weight once, so the
/// speed of memory is the limit. Sequences need no padding.
/// </summary>
public sealed unsafe class CpuDecoder : IDecoder
{
    // A thread with fewer bytes to read would mostly wait for the others.
    private const long LeastBytesPerThread = 256 << 10;

    // The least piece of a product takes some microseconds. Most of a share is taken in larger ones, because a piece
    // starts the streams of memory that it reads anew.
    private const long ProductsPerPiece = 256 << 10;
    private const int MostPieces = 64; // of a member's share of a phase

    private readonly CpuWeights _weights;
    private readonly ThreadTeam _team;
    private readonly RotaryTable?[] _rotary; // by RotaryKind
    private readonly AttentionScratch _attentionScratch;
    private readonly DecodeScratch _scratch;
    private readonly ResidualRows _stream;
    private readonly ProductInput[] _inputs; // [member]
    private readonly PanelCache _cache;
    private readonly WantedRows _wanted = new();
    private Rows _logits; // [wanted row]
    private readonly PassBlock _block = new();
    private int _nextLogits; // the place of the block's first wanted row

    /// <summary>Prepares to decode.</summary>
    /// <param name="weights">The model; must outlive the decoder.</param>
    /// <param name="slots">Sequences side by side.</param>
    /// <param name="capacity">Most tokens per sequence, prompt included; at most the model's context.</param>
    /// <param name="threads">Number of threads; null for the best number for one decoder.</param>
    /// <param name="pages">Number of pages of the cache, which slots are given by
    /// <see cref="IPageStore.Place"/>; null gives each slot pages of its own for all its tokens.</param>
    /// <param name="cache">How the cache keeps numbers; null for the precision of the weights.</param>
    /// <exception cref="CrossheadException">There is not enough memory.</exception>
    public CpuDecoder(CpuWeights weights, int slots, int capacity, int? threads = null, int? pages = null,
        CacheOptions? cache = null)
    {
        var format = (cache ?? new()).FormatFor(weights.Type);
        var members = threads
            ?? (int)Math.Clamp(weights.BytesPerToken / LeastBytesPerThread, 1, ComputeThreads.Count);
        _weights = weights;
        _rotary = weights.RotaryTables(capacity);
        _attentionScratch = new AttentionScratch([.. weights.Layers.Select(l => l.Attention)], format, capacity,
            members);
        _scratch = new DecodeScratch(weights.Options, members);
        _stream = new ResidualRows(_scratch.Hidden, _scratch.Update, Block);
        _inputs = [.. Enumerable.Range(0, members).Select(
            _ => new ProductInput(weights.Activations))];
        _cache = new PanelCache(weights, format, _attentionScratch, _rotary, slots, capacity, pages);
        _logits = new Rows(slots, VocabularySize);
        _team = new ThreadTeam(members,
            [.. weights.Layers.SelectMany((layer, i) => Phases(layer, _cache.Layers[i])), HeadPhase()]);
    }

    /// <inheritdoc/>
    public ICacheStore Cache => _cache;

    /// <inheritdoc/>
    public int VocabularySize => _weights.Options.VocabularySize;

    /// <inheritdoc/>
    public int? ShortContext => _weights.Options.ShortContext;

    /// <inheritdoc/>
    public void Run(DecodePass pass, CancellationToken cancellation = default)
    {
        pass.Require(_cache);
        _wanted.Take(pass);
        if (_logits.Count < _wanted.Count)
        {
            _logits.Dispose();
            _logits = new Rows(_wanted.Count, VocabularySize);
        }
        _nextLogits = 0;
        for (var rows = pass.Rows; rows.Length > 0; rows = rows[_block.Count..], _nextLogits += _block.Wanted)
        {
            cancellation.ThrowIfCancellationRequested();
            _block.Take(rows);
            for (var r = 0; r < _block.Count; r++)
            {
                _cache.Keep(_block[r].Slot, _block[r].Position + 1);
                _weights.Embedding.Read(_block[r].Token,
                    new Span<float>(_scratch.Hidden[r], _weights.Embedding.Columns));
                if (Block.EmbeddingMultiplier != 1)
                    RowMath.Scale(_scratch.Hidden[r], (float)Block.EmbeddingMultiplier, _scratch.Hidden.Width);
            }
            _team.Run();
        }
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Logits(int row) => new(_logits[_wanted[row]], VocabularySize);

    /// <inheritdoc/>
    public void Dispose()
    {
        _team.Dispose();
        foreach (var table in _rotary) table?.Dispose();
        _attentionScratch.Dispose();
        _scratch.Dispose();
        foreach (var input in _inputs) input.Dispose();
        _cache.Dispose();
        _logits.Dispose();
    }

    private BlockOptions Block => _weights.Options.Block;

    // The phases of a layer. A phase reads the results of other members only from earlier phases.
    private IEnumerable<TeamPhase> Phases(LayerWeights layer, CachedAttention attention)
    {
        yield return new TeamPhase(
            () => layer.Attention.Projections.Groups,
            (first, end, member) => Multiply(layer.Attention.Projections, first, end,
                Input(member, _scratch.Normed[member], 0, _block.Count), _attentionScratch.Projected, 0),
            member => Norm(layer.InputNorm, member),
            () => Pieces(layer.Attention.Projections.Weights, _block.Count));
        for (var p = 0; p < attention.Phases; p++)
        {
            var phase = p;
            yield return new TeamPhase(() => attention.Items(phase, _block),
                (first, end, member) => attention.Run(phase, _block, first, end, member),
                Pieces: () => Math.Clamp(_block.Count / 2, 1, MostPieces));
        }
        var parallel = Block.Form == BlockForm.Parallel;
        yield return new TeamPhase(() => layer.Attention.Output.Groups,
            (first, end, member) => Merge(layer, first, end, member), Drop,
            () => Pieces(layer.Attention.Output.Weights, _block.Count));
        if (layer.AttentionOutputNorm is { } attended)
            yield return new TeamPhase(() => _block.Count, (first, end, _) => AddNormed(attended, first, end));

        Action<int> norm = member => Norm(parallel ? layer.InputNorm : layer.FeedForwardNorm, member);
        if (layer.Router is { } router)
        {
            yield return new TeamPhase(
                () => router.Matrix.Groups,
                (first, end, member) => Rate(router, first, end, member),
                norm);
            yield return new TeamPhase(() => _block.Count, (first, end, _) => Route(router, first, end));
        }
        yield return new TeamPhase(() => layer.Experts[0].Gate.Groups + (layer.Shared?.Gate.Groups ?? 0),
            (first, end, member) => Gate(layer, first, end, member), norm,
            () => layer.Router is null ? Pieces(2 * layer.Experts[0].Gate.Weights, _block.Count) : 1);
        yield return new TeamPhase(() => layer.Experts[0].Down.Groups,
            (first, end, member) => Down(layer, first, end, member), Drop,
            () => layer.Router is null ? Pieces(layer.Experts[0].Down.Weights, _block.Count) : 1);
        if (layer.FeedForwardOutputNorm is { } fed)
            yield return new TeamPhase(() => _block.Count, (first, end, _) => AddNormed(fed, first, end));
    }

    private TeamPhase HeadPhase() => new(() => _block.Wanted == 0 ? 0 : _weights.Head.Groups, Head, NormWanted,
        () => Pieces(_weights.Head.Weights, _block.Wanted));

    private void Head(int first, int end, int member)
    {
        Multiply(_weights.Head, first, end, Input(member, _scratch.Normed[member], 0, _block.Wanted), _logits,
            _nextLogits);
        if (Block.LogitCap is not { } cap) return;
        var (start, count) = _weights.Head.OutputsOf(first, end);
        for (var w = 0; w < _block.Wanted; w++) RowMath.Cap(_logits[_nextLogits + w] + start, (float)cap, count);
    }

    // Each member computes the norm itself. Fetching the result of another member would take longer.
    private void Norm(NormWeights? norm, int member)
    {
        Drop(member);
        var normed = _scratch.Normed[member];
        for (var r = 0; r < _block.Count; r++) Norm(norm, r, normed[r]);
    }

    private void Norm(NormWeights? norm, int row, float* y)
    {
        if (norm is not null) norm.Apply(_scratch.Hidden[row], y);
        else new ReadOnlySpan<float>(_scratch.Hidden[row], _scratch.Hidden.Width)
            .CopyTo(new Span<float>(y, _scratch.Hidden.Width));
    }

    // The wanted rows alone, side by side.
    private void NormWanted(int member)
    {
        Drop(member);
        var normed = _scratch.Normed[member];
        for (int r = 0, w = 0; r < _block.Count; r++)
        {
            if (!_block[r].Wanted) continue;
            Norm(_weights.Norm, r, normed[w]);
            if (Block.LogitMultiplier != 1) RowMath.Scale(normed[w], (float)Block.LogitMultiplier, normed.Width);
            w++;
        }
    }

    private void AddNormed(NormWeights norm, int first, int end)
    {
        for (var r = first; r < end; r++) _stream.AddNormed(norm, r);
    }

    private void Merge(LayerWeights layer, int first, int end, int member)
    {
        Multiply(layer.Attention.Output, first, end, Input(member, _attentionScratch.Heads, 0, _block.Count),
            _scratch.Delta, 0);
        var (start, count) = layer.Attention.Output.OutputsOf(first, end);
        var target = _stream.AttentionTarget(layer.AttentionOutputNorm);
        for (var r = 0; r < _block.Count; r++)
        {
            _stream.BeginAttention(target, r, start, count);
            _stream.Add(_scratch.Delta[r] + start, 1, target, r, start, count);
        }
    }

    // Inputs of routers are not rounded: another expert would be a large step.
    private void Rate(Router router, int first, int end, int member)
    {
        var (x, y) = (_scratch.Normed[member], _scratch.Logits);
        router.Matrix.Multiply(first, end, x[0], x.Stride, _block.Count, y[0], y.Stride);
    }

    private void Route(Router router, int first, int end)
    {
        for (var r = first; r < end; r++) router.Route(_scratch.Logits[r], _scratch.Ratings[r], _scratch.Routes, r);
    }

    // The experts of the tokens: a dense layer is a mixture with one expert.
    private ExpertRoutes Routes(LayerWeights layer) => layer.Router is null ? _scratch.Dense : _scratch.Routes;

    // The groups of the experts come first, then those of the shared experts.
    private void Gate(LayerWeights layer, int first, int end, int member)
    {
        var own = layer.Experts[0].Gate.Groups;
        if (first < own)
            Gate(layer.Experts, Routes(layer), layer.ExpertsPerToken, 0, first, Math.Min(end, own), member);
        if (end > own && layer.Shared is { } shared)
            Gate([shared], _scratch.Dense, 1, layer.ExpertsPerToken, Math.Max(first - own, 0), end - own, member);
    }

    private void Gate(ReadOnlySpan<FeedForwardWeights> layers, ExpertRoutes routes, int choices, int place, int first,
        int end, int member)
    {
        var (start, length) = layers[0].Gate.OutputsOf(first, end);
        for (var choice = 0; choice < choices; choice++)
        {
            for (int r = 0, count; r < _block.Count; r += count)
            {
                count = routes.Run(choice, r, _block.Count);
                var (layer, at) = (layers[routes[choice, r].Expert], ((place + choice) * PassBlock.MaxRows) + r);
                var input = Input(member, _scratch.Normed[member], r, count);
                Multiply(layer.Gate, first, end, input, _scratch.Gate, at);
                Multiply(layer.Up, first, end, input, _scratch.Up, at);
                for (var i = at; i < at + count; i++)
                    layer.Activate(_scratch.Gate[i], _scratch.Up[i], start, length);
            }
        }
    }

    private void Down(LayerWeights layer, int first, int end, int member)
    {
        var (start, length) = layer.Experts[0].Down.OutputsOf(first, end);
        var target = _stream.FeedForwardTarget(layer.FeedForwardOutputNorm);
        for (var r = 0; r < _block.Count; r++) _stream.BeginFeedForward(target, r, start, length);
        Down(layer.Experts, Routes(layer), layer.ExpertsPerToken, 0, first, end, member, target);
        if (layer.Shared is { } shared)
            Down([shared], _scratch.Dense, 1, layer.ExpertsPerToken, first, end, member, target);
    }

    private void Down(ReadOnlySpan<FeedForwardWeights> layers, ExpertRoutes routes, int choices, int place, int first,
        int end, int member, Rows target)
    {
        var (start, length) = layers[0].Down.OutputsOf(first, end);
        for (var choice = 0; choice < choices; choice++)
        {
            for (int r = 0, count; r < _block.Count; r += count)
            {
                count = routes.Run(choice, r, _block.Count);
                Multiply(layers[routes[choice, r].Expert].Down, first, end,
                    Input(member, _scratch.Gate, ((place + choice) * PassBlock.MaxRows) + r, count), _scratch.Delta, r);
                for (var i = r; i < r + count; i++)
                    _stream.Add(_scratch.Delta[i] + start, routes[choice, i].Weight, target, i, start, length);
            }
        }
    }

    // The rows of an earlier phase have gone.
    private void Drop(int member) => _inputs[member].Drop();

    // Of a member's share of the products of rows with weights.
    private int Pieces(long weights, int rows) =>
        (int)Math.Clamp(weights * rows / (_inputs.Length * ProductsPerPiece), 1, MostPieces);

    // Rows that a member multiplies weights by.
    private ProductInput Input(int member, Rows rows, int first, int count)
    {
        _inputs[member].Take(rows, first, count);
        return _inputs[member];
    }

    // y[to + i] = W x[i] for the outputs of panels first … end − 1.
    private static void Multiply(StackedMatrix matrix, int first, int end, ProductInput x, Rows y, int to) =>
        matrix.Multiply(first, end, x, y[to], y.Stride);
}
