using Crosshead.Attention;
using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Which query head reads which cached row. A row is one head, or all components together, which every head reads.
/// Query heads that share rows form a unit, so that each cached row is read once per unit. A unit gives each head a
/// place, called slot. Heads with the same row have neighbouring slots.
/// </summary>
internal sealed class HeadLayout
{
    // Vectors that are multiplied together: enough that loads are not the limit, few enough for the caches.
    private const int UsualVectors = 64;

    private const int TileVectors = 8;

    // Of each query head: the heads that read the same rows for the same key/value head, and its place among them.
    private readonly (int Same, int Within)[] _places;
    private readonly int _together; // number of these heads

    /// <summary>The layout of a layer.</summary>
    /// <param name="options">Options of the layer.</param>
    /// <param name="width">Model width D.</param>
    public HeadLayout(AttentionOptions options, int width)
    {
        (Heads, Groups, HeadDim) = (options.Heads, options.Groups, options.HeadDimFor(width));
        Maps = AttentionFactory.TraitsOf(options.Variant).ValueHeadsPerRow;
        Cache = options.CacheLayoutFor(width);
        (OutputWidth, QueryWidth) = options.Latent is not { } latent ? (HeadDim, KeyWidth)
            : (latent.ValueWidth, Panel.Round(KeyWidth) + ValueWidth);
        Units = Math.Min(KeyRows, ValueRows);
        var isMixed = options.Variant == AttentionVariant.TalkingHeads; // all heads of a token are needed at once
        var rows = Math.Min((UsualVectors + SlotsPerUnit - 1) / SlotsPerUnit, PassBlock.MaxRows);
        // Many rows are whole eights, so that all tiles of eight vectors are full.
        RowsPerGroup = isMixed ? 1 : rows >= TileVectors ? rows / TileVectors * TileVectors : rows;
        VectorsPerItem = isMixed ? Heads : RowsPerGroup * SlotsPerUnit;
        _together = Math.Min(Heads / Groups, Math.Min(SlotsPerKeyRow, SlotsPerValueRow));
        _places = [.. Enumerable.Range(0, Heads).Select(head => Math.DivRem(Slot(head), _together))];
    }

    /// <summary>Number of key heads whose weights sum one value row: 2 in a differential pair, otherwise 1.</summary>
    public int Maps { get; }

    /// <summary>What the cache keeps per token.</summary>
    public CacheLayout Cache { get; }

    /// <summary>Query heads h.</summary>
    public int Heads { get; }

    /// <summary>Key/value heads g, kept whole or composed.</summary>
    public int Groups { get; }

    /// <summary>Head width d.</summary>
    public int HeadDim { get; }

    /// <summary>Width of a head's output.</summary>
    public int OutputWidth { get; }

    /// <summary>
    /// Width of a query: of a key row, or of a key row, filled up to a multiple of 16, and the latent vector.
    /// </summary>
    public int QueryWidth { get; }

    /// <summary>Cached key rows per token.</summary>
    public int KeyRows => Cache.Keys.Count;

    /// <summary>Width of a key row: d for a head, c·d for components.</summary>
    public int KeyWidth => Cache.Keys.Width;

    /// <summary>Cached value rows per token.</summary>
    public int ValueRows => Cache.Values.Count;

    /// <summary>Width of a value row: d for a head, the rank for components, 2d for a differential pair.</summary>
    public int ValueWidth => Cache.Values.Width;

    /// <summary>Factors of composed key heads per token: g if key components are normed, otherwise 0.</summary>
    public int KeyFactors => Cache.KeyFactors;

    /// <summary>Number of units, the sets of query heads that read the same rows.</summary>
    public int Units { get; }

    /// <summary>Key rows that a unit reads.</summary>
    public int KeyRowsPerUnit => KeyRows / Units;

    /// <summary>Value rows that a unit reads.</summary>
    public int ValueRowsPerUnit => ValueRows / Units;

    /// <summary>Query heads per unit.</summary>
    public int SlotsPerUnit => Heads / Units;

    /// <summary>Query heads that read one key row.</summary>
    public int SlotsPerKeyRow => Heads / KeyRows;

    /// <summary>Query heads that read one value row.</summary>
    public int SlotsPerValueRow => Heads / ValueRows;

    /// <summary>Most tokens of a <see cref="RowGroup"/>.</summary>
    public int RowsPerGroup { get; }

    /// <summary>Most queries that are multiplied by the same rows.</summary>
    public int VectorsPerItem { get; }

    /// <summary>The key/value head of a query head.</summary>
    public int GroupOf(int head) => head / (Heads / Groups);

    /// <summary>
    /// The slot of a query head, ordered by key row. Heads of differential pairs alternate between the pair's two key
    /// rows.
    /// </summary>
    public int Slot(int head)
    {
        var (unit, within) = Math.DivRem(head, SlotsPerUnit);
        return (unit * SlotsPerUnit) + (within % Maps * SlotsPerKeyRow) + (within / Maps);
    }

    /// <summary>
    /// The place of a token's query head among the vectors of all tokens. Vectors of a group that read the same rows
    /// for the same key/value head are neighbours.
    /// </summary>
    public int Vector(RowGroup group, int row, int head)
    {
        var (same, within) = _places[head];
        return (group.First * Heads) + (((same * group.Count) + row - group.First) * _together) + within;
    }

    /// <summary>The place of the first vector of a group's unit.</summary>
    public int FirstVector(RowGroup group, int unit) => (group.First * Heads) + (unit * SlotsPerUnit * group.Count);
}
