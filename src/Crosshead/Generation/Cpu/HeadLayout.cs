using Crosshead.Attention;

namespace Crosshead.Generation.Cpu;

/// <summary>
/// Which query head reads which cached row. Query heads that read the same rows form a unit, so that what is cached is
/// read once for all of them; in a unit, heads with the same key row are neighbours ("slots").
/// </summary>
internal sealed class HeadLayout
{
    /// <summary>The layout of a variant.</summary>
    public HeadLayout(AttentionOptions options, int headDim)
    {
        (Heads, HeadDim) = (options.Heads, headDim);
        var pairs = options.Variant == AttentionVariant.Differential;
        SharedKeys = options.ComposesKeys && options.KeyRows < options.Groups;
        SharedValues = options.ComposesValues && options.ValueRows < options.Groups;
        KeyRows = SharedKeys ? 1 : options.Groups;
        KeyWidth = SharedKeys ? options.KeyRows * headDim : headDim;
        ValueRows = SharedValues ? 1 : pairs ? options.Groups / 2 : options.Groups;
        ValueWidth = SharedValues ? options.ValueRows * headDim : pairs ? 2 * headDim : headDim;
        Units = SharedKeys && SharedValues ? 1 : pairs ? options.Groups / 2 : options.Groups;
        KeyRowsPerUnit = pairs ? 2 : 1;
    }

    /// <summary>Query heads h.</summary>
    public int Heads { get; }

    /// <summary>Head width d.</summary>
    public int HeadDim { get; }

    /// <summary>Whether the cache keeps key components, which all heads read.</summary>
    public bool SharedKeys { get; }

    /// <summary>Whether the cache keeps value components, which all heads read.</summary>
    public bool SharedValues { get; }

    /// <summary>Cached key rows a token.</summary>
    public int KeyRows { get; }

    /// <summary>Width of a key row: d, or c·d of components.</summary>
    public int KeyWidth { get; }

    /// <summary>Cached value rows a token.</summary>
    public int ValueRows { get; }

    /// <summary>Width of a value row: d, c·d of components, or 2d of a differential pair.</summary>
    public int ValueWidth { get; }

    /// <summary>Sets of query heads that read the same rows.</summary>
    public int Units { get; }

    /// <summary>Key rows that a unit reads: 2 for a differential pair, otherwise 1.</summary>
    public int KeyRowsPerUnit { get; }

    /// <summary>Query heads a unit.</summary>
    public int SlotsPerUnit => Heads / Units;

    /// <summary>Query heads of a unit that read one key row.</summary>
    public int SlotsPerKeyRow => SlotsPerUnit / KeyRowsPerUnit;

    /// <summary>The key row number <paramref name="index"/> of a unit.</summary>
    public int KeyRow(int unit, int index) => SharedKeys ? 0 : (unit * KeyRowsPerUnit) + index;

    /// <summary>The value row of a unit.</summary>
    public int ValueRow(int unit) => SharedValues ? 0 : unit;

    /// <summary>The place of a query head: by unit, then key row. Heads of differential pairs alternate between key rows.</summary>
    public int Slot(int head)
    {
        var (unit, within) = Math.DivRem(head, SlotsPerUnit);
        return (unit * SlotsPerUnit) + (within % KeyRowsPerUnit * SlotsPerKeyRow) + (within / KeyRowsPerUnit);
    }
}
