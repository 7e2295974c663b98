using Crosshead.Attention.Caches;
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

    // A piece of a product takes 20 µs or more, and starts the streams of memory that it reads anew.
    private const long ProductsPerPiece = 4 << 20;
    private const int MostPieces = 16; // of a member's share of a phase

    private readonly CpuWeights _weights;
    private readonly ThreadTeam _team;
    private readonly RotaryTable?[] _rotary; // by RotaryKind
    private readonly AttentionScratch _attentionScratch;
    private readonly DecodeScratch _scratch;
    private readonly ResidualRows _stream;
    private readonly NormedRows _normed;
    private readonly MemberProducts[] _products; // [member]
    private readonly FeedForwardPass _feedForward;
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
        _scratch = new DecodeScratch(weights.Options);
        _stream = new ResidualRows(_scratch.Hidden, _scratch.Update, Block);
        _normed = new NormedRows(weights.Options, _block, _scratch.Hidden, members);
        _products = [.. Enumerable.Range(0, members).Select(
            _ => new MemberProducts(weights.Activations, Math.Max(weights.Options.HiddenSize, _scratch.InnerSize)))];
        _feedForward = new FeedForwardPass(_scratch, _stream, _normed, _block, _products);
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
        if (pass.Rows.Length > PassBlock.MaxRows) _weights.EndCopies();
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
            for (var layer = 0; layer < _cache.Layers.Count; layer++) _cache.Layers[layer].Begin(_block);
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
        _normed.Dispose();
        foreach (var products in _products) products.Dispose();
        _cache.Dispose();
        _logits.Dispose();
    }

    private BlockOptions Block => _weights.Options.Block;

    // The phases of a layer. A phase reads the results of other members only from earlier phases.
    private IEnumerable<TeamPhase> Phases(LayerWeights layer, CachedAttention attention)
    {
        var projections = layer.Attention.Projections;
        var center = _products[0].Input.CenterFor(projections);
        yield return _normed.Phase(layer.InputNorm, center);
        yield return new TeamPhase(() => projections.Groups,
            (first, end, member) => Project(projections, center, first, end, member),
            member => Norm(layer.InputNorm, member),
            () => Pieces(projections.Weights, _block.Count), Reads(projections));
        for (var p = 0; p < attention.Phases; p++)
        {
            var phase = p;
            yield return new TeamPhase(() => attention.Items(phase, _block),
                (first, end, member) => attention.Run(phase, _block, first, end, member),
                Pieces: () => attention.Items(phase, _block) == 0 ? 0 : Math.Clamp(_block.Count / 4, 1, MostPieces));
        }
        yield return new TeamPhase(() => layer.Attention.Output.Groups,
            (first, end, member) => Merge(layer, attention, first, end, member), Drop,
            () => Pieces(layer.Attention.Output.Weights, _block.Count), Reads(layer.Attention.Output));
        if (layer.AttentionOutputNorm is { } attended)
            yield return new TeamPhase(() => _block.Count, (first, end, _) => AddNormed(attended, first, end));

        var norm = Block.Form == BlockForm.Parallel ? layer.InputNorm : layer.FeedForwardNorm;
        yield return _normed.Phase(norm, _feedForward.CenterOf(layer));
        Action<int> prepare = member => Norm(norm, member);
        if (layer.Router is { } router)
        {
            yield return new TeamPhase(() => router.Matrix.Groups,
                (first, end, member) => _feedForward.Rate(router, first, end, member), prepare);
            yield return new TeamPhase(() => _block.Count,
                (first, end, _) => _feedForward.Route(router, first, end));
        }
        yield return new TeamPhase(() => FeedForwardPass.InnerGroups(layer),
            (first, end, member) => _feedForward.Gate(layer, first, end, member), prepare,
            () => layer.Router is null ? Pieces(2 * layer.Experts[0].Gate.Weights, _block.Count) : 1,
            layer.Router is null ? Reads(layer.Experts[0].Gate) : null);
        yield return new TeamPhase(() => layer.Experts[0].Down.Groups,
            (first, end, member) => _feedForward.Down(layer, first, end, member), Drop,
            () => layer.Router is null ? Pieces(layer.Experts[0].Down.Weights, _block.Count) : 1,
            layer.Router is null ? Reads(layer.Experts[0].Down) : null);
        if (layer.FeedForwardOutputNorm is { } fed)
            yield return new TeamPhase(() => _block.Count, (first, end, _) => AddNormed(fed, first, end));
    }

    private TeamPhase HeadPhase() => new(() => _block.Wanted == 0 ? 0 : _weights.Head.Groups, Head, NormWanted,
        () => Pieces(_weights.Head.Weights, _block.Wanted), Reads(_weights.Head));

    private void Head(int first, int end, int member)
    {
        var input = _products[member].Input;
        _normed.GiveWanted(input, member);
        _weights.Head.Multiply(first, end, input, _logits[_nextLogits], _logits.Stride);
        if (Block.LogitCap is not { } cap) return;
        var (start, count) = _weights.Head.OutputsOf(first, end);
        for (var w = 0; w < _block.Wanted; w++) RowMath.Cap(_logits[_nextLogits + w] + start, (float)cap, count);
    }

    private void Norm(NormWeights? norm, int member)
    {
        Drop(member);
        _normed.Prepare(norm, member);
    }

    private void NormWanted(int member)
    {
        Drop(member);
        _normed.PrepareWanted(_weights.Norm, Block.LogitMultiplier, member);
    }

    private void AddNormed(NormWeights norm, int first, int end)
    {
        for (var r = first; r < end; r++) _stream.AddNormed(norm, r);
    }

    private void Project(StackedMatrix projections, int? center, int first, int end, int member)
    {
        var (input, projected) = (_products[member].Input, _attentionScratch.Projected);
        _normed.Give(input, member, new RowGroup(0, _block.Count), center);
        projections.Multiply(first, end, input, projected[0], projected.Stride);
    }

    private void Merge(LayerWeights layer, CachedAttention attention, int first, int end, int member)
    {
        var own = _products[member];
        attention.Give(own.Input, _block.Count);
        var target = _stream.AttentionTarget(layer.AttentionOutputNorm);
        for (int from = first, to; from < end; from = to)
        {
            to = Math.Min(end, from + own.GroupsFor(_block.Count));
            var tile = own.Multiply(layer.Attention.Output, from, to);
            for (var r = 0; r < _block.Count; r++)
            {
                _stream.BeginAttention(target, r, tile.Start, tile.Length);
                _stream.Add(tile[r], 1, target, r, tile.Start, tile.Length);
            }
        }
    }

    private Func<int, int, WeightStreams> Reads(StackedMatrix matrix) =>
        (first, end) => matrix.Reads(first, end, _block.Count);

    // The rows of an earlier phase have gone.
    private void Drop(int member) => _products[member].Input.Drop();

    // Of a member's share of the products of rows with weights.
    private int Pieces(long weights, int rows) =>
        (int)Math.Clamp(weights * rows / (_products.Length * ProductsPerPiece), 1, MostPieces);
}
