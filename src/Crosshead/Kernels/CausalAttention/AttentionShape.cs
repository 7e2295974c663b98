using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;

namespace Crosshead.Kernels.CausalAttention;

/// <summary>
/// Sizes of an attention call and what follows from them. Query head i reads key head i div (h/g) and value head
/// i div (h/gv); position n of the N queries sees the keys up to T − N + n.
/// </summary>
internal readonly record struct AttentionShape(long Batch, int Queries, int Keys, int QueryHeads, int KeyHeads,
    int ValueHeads, int Width, int ValueWidth)
{
    /// <summary>Queries worked on together: two tiles, so that a panel of keys is read once for both.</summary>
    public const int Stripe = 2 * MatrixTile.Rows;

    /// <summary>Units of work that share nothing they write: one for each value head of each sequence.</summary>
    public long Units => Batch * ValueHeads;

    /// <summary>Key heads that read one value head.</summary>
    public int KeysPerValue => KeyHeads / ValueHeads;

    /// <summary>Query heads that read one key head.</summary>
    public int QueriesPerKey => QueryHeads / KeyHeads;

    /// <summary>Keys, rounded up to whole panels.</summary>
    public int PaddedKeys => Padded(Keys, MatrixTile.PanelWidth);

    /// <summary>Width of queries and keys, rounded up to whole vectors.</summary>
    public int PaddedWidth => Padded(Width, Lanes.Count);

    /// <summary>Width of values, rounded up to whole vectors.</summary>
    public int PaddedValueWidth => Padded(ValueWidth, Lanes.Count);

    /// <summary>Number of keys that query <paramref name="query"/> sees; 0 for rows past the end.</summary>
    public int Seen(int query) => query < Queries ? Keys - Queries + query + 1 : 0;

    /// <summary>
    /// Number of keys that any of the <paramref name="count"/> queries from <paramref name="query"/> on sees.
    /// </summary>
    public int SeenBy(int query, int count) => Seen(Math.Min(query + count, Queries) - 1);

    private static int Padded(int length, int unit) => (length + unit - 1) / unit * unit;
}
