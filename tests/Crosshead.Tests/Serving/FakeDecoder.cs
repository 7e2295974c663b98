using Crosshead.Attention.Caches;
using Crosshead.Decoding;

namespace Crosshead.Tests.Serving;

/// <summary>
/// A decoder whose logits are a hash of all tokens of the sequence, which it reads from the pages of its slot. Each
/// token's cell also keeps the hash of what was before it when it was written. So a wrong page, a page of another
/// sequence, a page written over, or a wrong position changes the answer.
/// </summary>
internal sealed class FakeDecoder(int slots, int pages, int pageTokens, int vocabulary, ManualClock? clock = null)
    : IDecoder, IPageStore
{
    private readonly (int Token, ulong Hash)[] _cells = new (int, ulong)[pages * pageTokens];
    private readonly int[][] _tables = [.. Enumerable.Range(0, slots).Select(_ => Array.Empty<int>())];
    private readonly int[] _lengths = new int[slots], _slotsOf = new int[pages];
    private readonly List<ulong?> _hashes = [];
    private readonly List<float[]> _logits = []; // by row

    /// <summary>Called before each pass; may throw.</summary>
    public Action<DecodePass>? Before { get; set; }

    /// <summary>Rows whose logits are no numbers.</summary>
    public Func<int, bool>? IsBroken { get; set; }

    /// <summary>Pages that were cleared.</summary>
    public int Cleared { get; private set; }

    /// <summary>What a pass costs, and each of its tokens.</summary>
    public (TimeSpan Pass, TimeSpan Token) Cost { get; set; } =
        (TimeSpan.FromMilliseconds(1), TimeSpan.FromMicroseconds(10));

    public ICacheStore Cache => this;

    public int VocabularySize => vocabulary;

    public int Slots => slots;

    public int Capacity => pages * pageTokens;

    public long Bytes => 0;

    public int PageTokens => pageTokens;

    public int Pages => pages;

    public long BytesPerPage => 1;

    public int LengthOf(int slot) => _lengths[slot];

    public void Truncate(int slot, int length) => _lengths[slot] = Math.Min(_lengths[slot], length);

    public void Place(int slot, ReadOnlySpan<int> table, int length)
    {
        foreach (var page in _tables[slot]) _slotsOf[page]--;
        (_tables[slot], _lengths[slot]) = (table.ToArray(), length);
        foreach (var page in _tables[slot]) _slotsOf[page]++;
        Assert.True(length <= table.Length * pageTokens, "more tokens than pages");
    }

    public ReadOnlySpan<int> PagesOf(int slot) => _tables[slot];

    public void Clear(ReadOnlySpan<int> cleared)
    {
        foreach (var page in cleared)
        {
            Assert.Equal(0, _slotsOf[page]);
            Array.Clear(_cells, page * pageTokens, pageTokens);
            Cleared++;
        }
    }

    public void Run(DecodePass pass, CancellationToken cancellation = default)
    {
        pass.Require(this);
        Before?.Invoke(pass);
        clock?.Advance(Cost.Pass + (pass.Count * Cost.Token));
        _hashes.Clear();
        foreach (var (slot, position, token, _) in pass.Rows)
        {
            if (_lengths[slot] != position) Assert.Fail($"position {position} follows {_lengths[slot]} tokens");
            var page = _tables[slot][position / pageTokens];
            if (_slotsOf[page] != 1) Assert.Fail($"page {page} is written, and {_slotsOf[page]} slots have it");
            Cell(slot, position) = (token, Next(position == 0 ? Start : Cell(slot, position - 1).Hash, token));
            _lengths[slot] = position + 1;
        }
        foreach (var (slot, position, _, wanted) in pass.Rows)
            _hashes.Add(wanted ? HashOf(slot, position) : null);
        while (_logits.Count < pass.Count) _logits.Add(new float[vocabulary]);
    }

    public ReadOnlySpan<float> Logits(int row)
    {
        if (_hashes[row] is null) Assert.Fail($"the logits of row {row} were not wanted");
        Fill(_hashes[row]!.Value, _logits[row]);
        if (IsBroken?.Invoke(row) == true) _logits[row][0] = float.NaN;
        return _logits[row];
    }

    public void Dispose()
    {
    }

    /// <summary>The logits after some tokens.</summary>
    public static float[] LogitsAfter(IEnumerable<int> tokens, int vocabulary)
    {
        var logits = new float[vocabulary];
        Fill(tokens.Aggregate(Start, Next), logits);
        return logits;
    }

    private const ulong Start = 0x9E3779B97F4A7C15;

    private static ulong Next(ulong hash, int token)
    {
        hash = (hash ^ (ulong)(token + 1)) * 0xBF58476D1CE4E5B9;
        return hash ^ (hash >> 29);
    }

    private static void Fill(ulong hash, Span<float> logits)
    {
        for (var id = 0; id < logits.Length; id++)
            logits[id] = (Next(hash, id) >> 40) * (6f / (1 << 24));
    }

    private ref (int Token, ulong Hash) Cell(int slot, int position) =>
        ref _cells[(_tables[slot][position / pageTokens] * pageTokens) + (position % pageTokens)];

    private ulong HashOf(int slot, int position)
    {
        var hash = Start;
        for (var at = 0; at <= position; at++)
        {
            hash = Next(hash, Cell(slot, at).Token);
            if (hash != Cell(slot, at).Hash) return ~hash; // written after another history
        }
        return hash;
    }
}
