using Crosshead.Weights;
using static TorchSharp.torch;

namespace Crosshead.Layers;

/// <summary>What one of several ranks has of a parameter: a part of it along one dimension.</summary>
/// <param name="Whole">Shape of the whole parameter.</param>
/// <param name="Dimension">Dimension along which it is cut.</param>
/// <param name="First">Where the part begins.</param>
/// <param name="Count">How long it is; 0 for a parameter that another rank adds, and which is zero here.</param>
internal sealed record ParameterPart(long[] Whole, int Dimension, long First, long Count)
{
    /// <summary>The part of a rank. All ranks have parts of the same shape.</summary>
    /// <param name="whole">Shape of the whole parameter.</param>
    /// <param name="part">Shape of the part.</param>
    /// <param name="rank">The rank.</param>
    public static ParameterPart Of(long[] whole, IReadOnlyList<long> part, int rank)
    {
        for (var i = 0; i < whole.Length; i++)
            if (whole[i] != part[i]) return new ParameterPart(whole, i, rank * part[i], part[i]);
        return new ParameterPart(whole, 0, 0, whole[0]);
    }

    /// <summary>Whether it is cut along its inputs: the products of the parts are to be summed.</summary>
    public bool IsCutAlongInputs => Dimension == 1 && Count < Whole[1];

    /// <summary>Whether the rank has none of it.</summary>
    public bool IsNone => Count == 0;

    /// <summary>The part of some rows.</summary>
    /// <param name="rows">Rows of the whole parameter, one after the other, or all of it.</param>
    /// <param name="first">The first of them.</param>
    /// <returns>Those of the part and where they begin in it; null for none.</returns>
    public (Tensor Rows, long First)? Of(Tensor rows, long first)
    {
        if (IsNone) return null;
        if (Dimension > 0) return (rows.narrow(Dimension, First, Count), first);
        var (begin, end) = (Math.Max(first, First), Math.Min(first + rows.shape[0], First + Count));
        return begin < end ? (rows.narrow(0, begin - first, end - begin), begin - First) : null;
    }

    /// <summary>The part of stored numbers where they lie; null if they are to be copied.</summary>
    /// <param name="stored">The whole parameter, disposed by this; null likewise.</param>
    public WeightMatrix? Of(WeightMatrix? stored)
    {
        using (stored)
        {
            if (stored is null || IsNone) return null;
            return Whole.Length > 2 ? null
                : Whole.Length == 2 && Dimension == 0 ? stored.Part(First, Count)
                : stored.ColumnsOf(First, (int)Count);
        }
    }
}
