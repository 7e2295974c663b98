using System.Diagnostics;
using Crosshead.Attention.Caches;
using Crosshead.Decoding;

namespace Crosshead.Benchmarks;

/// <summary>
/// A decoder that computes nothing: each pass keeps its thread busy for a fixed time, like the wait for a GPU, or lets
/// it sleep. It says when the pass began and ended, and when the last token was asked for.
/// </summary>
internal sealed class PacedDecoder(int slots, int pages, TimeSpan pass, bool sleeps = false) : IDecoder, IPageStore
{
    private readonly int[][] _tables = [.. Enumerable.Range(0, slots).Select(_ => Array.Empty<int>())];
    private readonly int[] _lengths = new int[slots];
    private readonly long _ticks = (long)(pass.TotalSeconds * Stopwatch.Frequency);

    public long Began { get; private set; }

    public long Ended { get; private set; }

    public long Drawn { get; private set; }

    public ICacheStore Cache => this;

    public int VocabularySize => 500;

    public int Slots => slots;

    public int Capacity => pages * PageTokens;

    public long Bytes => 0;

    public int PageTokens => 64;

    public int Pages => pages;

    public long BytesPerPage => 0;

    public int LengthOf(int slot) => _lengths[slot];

    public void Truncate(int slot, int length) => _lengths[slot] = Math.Min(_lengths[slot], length);

    public void Place(int slot, ReadOnlySpan<int> table, int length) =>
        (_tables[slot], _lengths[slot]) = (table.ToArray(), length);

    public ReadOnlySpan<int> PagesOf(int slot) => _tables[slot];

    public void Clear(ReadOnlySpan<int> cleared)
    {
    }

    public void Run(DecodePass rows, CancellationToken cancellation = default)
    {
        Began = Stopwatch.GetTimestamp();
        foreach (var row in rows.Rows) _lengths[row.Slot] = row.Position + 1;
        if (sleeps) Thread.Sleep(pass);
        while (Stopwatch.GetTimestamp() - Began < _ticks) Thread.SpinWait(10);
        Drawn = Ended = Stopwatch.GetTimestamp();
    }

    public ReadOnlySpan<float> Logits(int row) => throw new NotSupportedException("this decoder has no logits.");

    public (int Id, float Logit) MostLikely(int row)
    {
        Drawn = Stopwatch.GetTimestamp();
        return (VocabularySize - 1 - (row % 200), 1);
    }

    public void Dispose()
    {
    }
}
