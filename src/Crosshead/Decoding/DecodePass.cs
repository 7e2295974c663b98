using System.Runtime.InteropServices;
using Crosshead.Attention.Caches;

namespace Crosshead.Decoding;

/// <summary>
/// Tokens to compute, from any sequences: whole prompts, parts of prompts, or the next token of each sequence. The rows
/// of a slot are neighbours, in the order of their positions. Any row may ask for logits.
/// </summary>
public sealed class DecodePass
{
    private readonly List<DecodeRow> _rows = [];

    /// <summary>Number of tokens.</summary>
    public int Count => _rows.Count;

    /// <summary>The tokens.</summary>
    public ReadOnlySpan<DecodeRow> Rows => CollectionsMarshal.AsSpan(_rows);

    /// <summary>Removes all tokens.</summary>
    public void Clear() => _rows.Clear();

    /// <summary>Adds a token.</summary>
    /// <param name="slot">Slot of the sequence.</param>
    /// <param name="position">Position in the sequence: the next free position, or an earlier one. An earlier position
    /// discards the tokens of the sequence from there on.</param>
    /// <param name="token">Id of the token.</param>
    /// <param name="wanted">Whether the logits after the token are wanted.</param>
    /// <param name="reach">Number of tokens of the prompt that the token is a part of; 0 for other tokens.</param>
    public void Add(int slot, int position, int token, bool wanted, int reach = 0) =>
        _rows.Add(new DecodeRow(slot, position, token, wanted) { Reach = reach });

    /// <summary>Groups neighbouring rows of the same slot into runs.</summary>
    internal List<TokenRun> Runs()
    {
        var rows = Rows;
        var runs = new List<TokenRun>();
        for (int first = 0, end; first < rows.Length; first = end)
        {
            for (end = first + 1; end < rows.Length && rows[end].Slot == rows[first].Slot; end++) { }
            runs.Add(new TokenRun(rows[first].Slot, rows[first].Position, first, end - first, rows[first].Reach));
        }
        return runs;
    }

    /// <summary>Checks that a cache can take the pass.</summary>
    /// <exception cref="CrossheadException">The cache has no room for a token.</exception>
    /// <exception cref="ArgumentException">A slot does not exist, has two runs, or has a gap between
    /// tokens.</exception>
    internal void Require(ICacheStore cache)
    {
        var rows = Rows;
        var highest = -1;
        for (var r = 0; r < rows.Length; r++)
        {
            var (slot, position, _, _) = rows[r];
            if (slot < 0 || slot >= cache.Slots)
                throw new ArgumentException($"row {r} has slot {slot}; there are {cache.Slots}.");
            if (position >= cache.Capacity)
                throw new CrossheadException($"sequence {slot} holds {cache.Capacity} tokens already, as many as was "
                    + $"asked for; give the decoder a larger capacity.");
            var first = r == 0 || rows[r - 1].Slot != slot;
            if (first ? position < 0 || position > cache.LengthOf(slot) : position != rows[r - 1].Position + 1)
                throw new ArgumentException($"row {r} has position {position} of slot {slot}, which keeps "
                    + $"{cache.LengthOf(slot)} tokens; positions follow each other.");
            if (first && slot <= highest && Holds(rows[..r], slot))
                throw new ArgumentException($"slot {slot} has rows in two places of the pass.");
            if (cache is IPageStore paged && position / paged.PageTokens is var page
                && page >= paged.PagesOf(slot).Length)
                throw new ArgumentException($"slot {slot} has {paged.PagesOf(slot).Length} pages, none for position "
                    + $"{position}; place more first.");
            highest = Math.Max(highest, slot);
        }
    }

    private static bool Holds(ReadOnlySpan<DecodeRow> rows, int slot)
    {
        foreach (var row in rows)
            if (row.Slot == slot) return true;
        return false;
    }
}
