using Crosshead.Attention.Caches;
using Crosshead.Model;
using Crosshead.Model.Views;
using static TorchSharp.torch;

namespace Crosshead.Decoding;

/// <summary>
/// Decodes by the model's own tensor operators over a cache of pages: any device and precision, any mix of prompts and
/// steps. Where kernels read pages in place, all rows of a pass are computed together, whatever their sequences.
/// Elsewhere only steps are, and the prompts one by one.
/// </summary>
public sealed class PagedDecoder : ICapturingDecoder
{
    private const int MostTogether = 1024;

    private readonly LanguageModel _model;
    private readonly PagedState _state;
    private readonly WantedRows _wanted = new();
    private readonly PassLogits _logits;
    private readonly PassPieces? _pieces;
    private readonly PagedSteps? _steps;
    private readonly bool _inPlace;     // whether prompts are computed beside steps
    private readonly int _mostTogether; // rows that are computed at once

    /// <summary>Prepares to decode.</summary>
    /// <param name="model">The model; must outlive the decoder.</param>
    /// <param name="slots">Sequences side by side.</param>
    /// <param name="capacity">Most tokens per sequence, prompt included; at most the model's context.</param>
    /// <param name="pages">Number of pages of the cache.</param>
    public PagedDecoder(LanguageModel model, int slots, int capacity, int pages)
        : this(model, slots, capacity, pages, inPlace: true)
    {
    }

    /// <summary>Prepares to decode.</summary>
    /// <param name="model">The model; must outlive the decoder.</param>
    /// <param name="slots">Sequences side by side.</param>
    /// <param name="capacity">Most tokens per sequence.</param>
    /// <param name="pages">Number of pages of the cache.</param>
    /// <param name="inPlace">Whether prompts are computed beside steps, if there are kernels for it.</param>
    /// <param name="format">How the cache keeps numbers; null for the model's precision.</param>
    /// <param name="apart">Whether a row must not depend, to the last bit, on what is computed beside it
    /// (<see cref="PassPieces.FixedRows"/>).</param>
    /// <exception cref="CrossheadException">Rows cannot be kept apart.</exception>
    internal PagedDecoder(LanguageModel model, int slots, int capacity, int pages, bool inPlace,
        CacheFormat? format = null, bool apart = false)
    {
        _model = model;
        using var grad = no_grad();
        _state = model.CreatePagedState(slots, capacity, pages, format);
        _logits = new PassLogits(VocabularySize, () => _steps?.Follow(), apart);
        _mostTogether = MostTogether;
        if (CudaGraphDecoder.Supports(model))
        {
            _inPlace = inPlace && PassPieces.Serve(model, _state);
            if (_inPlace) _pieces = new PassPieces(model, _state, apart);
            _steps = new PagedSteps(model, _state, _pieces);
            _mostTogether = _pieces?.FixedRows ?? MostTogether;
            if (_inPlace) PromptCost = PieceCosts.Of(model.Options, composes: _pieces!.Composed is not null);
        }
        if (!apart || _inPlace) return;
        Dispose();
        throw RowsApart.Refusal("no kernel reads the pages of its cache for several tokens at once");
    }

    /// <inheritdoc/>
    public PromptCost PromptCost { get; }

    /// <inheritdoc/>
    public string? Refusal => _steps?.Refusal;

    /// <inheritdoc/>
    public int Captures => _steps?.Captures ?? 0;

    /// <inheritdoc/>
    public ICacheStore Cache => _state;

    /// <inheritdoc/>
    public int VocabularySize => _model.Options.VocabularySize;

    /// <inheritdoc/>
    public int? ShortContext => _model.Options.ShortContext;

    /// <inheritdoc/>
    public void Run(DecodePass pass, CancellationToken cancellation = default)
    {
        pass.Require(_state);
        _wanted.Take(pass);
        _logits.Begin(_wanted.Count);
        using var grad = no_grad();
        List<int> together = [];
        List<TokenRun> alone = [];
        var runs = pass.Runs();
        foreach (var run in runs)
        {
            if (run.IsStep(_model.Options.ShortContext) || _inPlace)
                together.AddRange(Enumerable.Range(run.First, run.Count));
            else alone.Add(run);
        }
        if (alone.Count > 0) _steps?.Follow();
        foreach (var run in alone)
        {
            cancellation.ThrowIfCancellationRequested();
            Prefill(pass, run);
        }
        for (int i = 0, count; i < together.Count; i += count)
        {
            count = Math.Min(_mostTogether, together.Count - i);
            if (_pieces?.Composed is { } composed) count = composed.Fitting(pass, together.Slice(i, count), _state);
            if (i > 0)
            {
                cancellation.ThrowIfCancellationRequested();
                _logits.Keep();
            }
            Rows(pass, together.GetRange(i, count));
        }
        foreach (var run in runs) _state.Keep(run.Slot, run.Start + run.Count);
    }

    /// <inheritdoc/>
    public void Prepare(int tokens)
    {
        using var grad = no_grad();
        if (_steps is null) return;
        tokens = Math.Min(tokens, _mostTogether);
        foreach (var count in new[] { tokens, 1 })
        {
            using var scope = NewDisposeScope();
            var device = _model.Device;
            var zero = zeros([count], ScalarType.Int64, device);
            using var view = _model.Views.PagedAt(zero, 1, full([count, 1], _state.SparePage, ScalarType.Int32, device),
                pieces: null, retains: false);
            var hidden = _model.Hidden(zero.unsqueeze(1), view, _state.Layers).squeeze(1);
            _model.Head(hidden.narrow(0, 0, Math.Min(count, _state.Slots))).max(-1);
        }
        PreparePieces();
        _steps.Prepare(tokens);
    }

    // A piece of a long prompt, in the spare page.
    private void PreparePieces()
    {
        const int count = 512;
        if (_inPlace || _state.Capacity < 2 * count) return;
        using var scope = NewDisposeScope();
        var pages = full([1, PageTables.PagesFor(2 * count)], _state.SparePage, ScalarType.Int32, _model.Device);
        _model.Hidden(zeros([1, count], ScalarType.Int64, _model.Device), _model.Views.PagedOf(count, count, pages),
            _state.Layers);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Logits(int row) => _logits.Of(_wanted[row]);

    /// <inheritdoc/>
    public (int Id, float Logit) MostLikely(int row) => _logits.MostLikely(_wanted[row]);

    /// <inheritdoc/>
    public LargestLogits? Largest(int row) => _steps is null ? null : _logits.Largest(_wanted[row]);

    /// <inheritdoc/>
    public void Dispose()
    {
        _logits.Dispose();
        _steps?.Dispose();
        _pieces?.Dispose();
        _state.Dispose();
    }

    // One token per row, whatever its sequence: keys and values of all rows are written before any row reads.
    private void Rows(DecodePass pass, List<int> rows)
    {
        using var scope = NewDisposeScope();
        var pieces = PassPieces.Of(pass, rows);
        if (_steps?.TryRun(pass, rows, pieces) is { } step)
        {
            _logits.Add(step, [.. rows.Where(r => pass.Rows[r].Wanted).Select(r => _wanted[r])]);
            return;
        }
        _steps?.Follow();
        var seen = rows.Max(r => pass.Rows[r].Position) + 1;
        var columns = PageTables.PagesFor(seen);
        var (ids, positions) = (new long[rows.Count], new long[rows.Count]);
        var pages = new int[rows.Count * columns];
        for (var i = 0; i < rows.Count; i++)
        {
            var row = pass.Rows[rows[i]];
            (ids[i], positions[i]) = (row.Token, row.Position);
            var own = _state.PagesOf(row.Slot);
            own[..Math.Min(own.Length, columns)].CopyTo(pages.AsSpan(i * columns));
        }
        var device = _model.Device;
        using var view = _model.Views.PagedAt(tensor(positions, [rows.Count], ScalarType.Int64, device), seen,
            tensor(pages, [rows.Count, columns], ScalarType.Int32, device), _pieces?.Work(pieces), retains: false);
        var hidden = _model.Hidden(tensor(ids, [rows.Count, 1], ScalarType.Int64, device), view, _state.Layers);
        Finish(pass, rows, hidden.squeeze(1));
    }

    // A piece of one sequence's prompt.
    private void Prefill(DecodePass pass, TokenRun run)
    {
        using var scope = NewDisposeScope();
        var ids = new long[run.Count];
        for (var n = 0; n < run.Count; n++) ids[n] = pass.Rows[run.First + n].Token;
        var pages = _state.PagesOf(run.Slot).ToArray();
        var device = _model.Device;
        var table = tensor(pages, [1, pages.Length], ScalarType.Int32, device);
        var view = _model.Views.PagedOf(run.Start, run.Count, table, run.Reach);
        var hidden = _model.Hidden(tensor(ids, [1, run.Count], ScalarType.Int64, device), view, _state.Layers);
        Finish(pass, [.. Enumerable.Range(run.First, run.Count)], hidden[0]);
    }

    // Keeps the logits of the wanted rows on the device, from hidden states [rows, D].
    private void Finish(DecodePass pass, List<int> rows, Tensor hidden)
    {
        var from = Enumerable.Range(0, rows.Count).Where(i => pass.Rows[rows[i]].Wanted).Select(i => (long)i).ToArray();
        if (from.Length == 0) return;
        if (from.Length < rows.Count)
            hidden = hidden.index_select(0, tensor(from, [from.Length], ScalarType.Int64, _model.Device));
        _logits.Add(_model.Head(hidden).DetachFromDisposeScope(), [.. from.Select(i => _wanted[rows[(int)i]])]);
    }
}
