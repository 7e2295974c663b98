namespace Crosshead.Compression;

/// <summary>Reads which layers of a model are compressed.</summary>
public static class LayerSelection
{
    /// <summary>Number of first layers that the paper's <c>deep</c> setting leaves unchanged.</summary>
    public const int Shallow = 3;

    /// <summary>Returns the layers of a selection, in ascending order.</summary>
    /// <param name="selection"><c>all</c>; <c>deep</c> for all but the first three; <c>middle</c> for the second and
    /// third quarter (12–35 of 48); or a list such as <c>0,2,5-9</c>.</param>
    /// <param name="layers">Number of layers L of the model.</param>
    /// <exception cref="CrossheadException">The selection cannot be read, is empty, or names a layer that does not
    /// exist.</exception>
    public static IReadOnlyList<int> Parse(string selection, int layers)
    {
        var chosen = selection.ToLowerInvariant() switch
        {
            "all" => Enumerable.Range(0, layers),
            "deep" => Enumerable.Range(0, layers).Skip(Shallow),
            "middle" => Enumerable.Range(layers / 4, (3 * layers / 4) - (layers / 4)),
            _ => selection.Split(',').SelectMany(part => Range(part, selection, layers)),
        };
        var list = chosen.Distinct().Order().ToArray();
        return list.Length > 0 ? list
            : throw new CrossheadException($"{MessageTerm.Layers} {selection} leaves nothing of {layers} layers; use "
                + $"all, middle, or a list such as 0,2-{layers - 1}.");
    }

    private static IEnumerable<int> Range(string part, string selection, int layers)
    {
        var ends = part.Split('-');
        if (ends.Length is 1 or 2 && int.TryParse(ends[0], out var first) && int.TryParse(ends[^1], out var last)
            && first <= last && first >= 0)
            return last < layers ? Enumerable.Range(first, last - first + 1)
                : throw new CrossheadException(
                    $"{MessageTerm.Layers} {selection} names layer {last}; the model has layers 0 to {layers - 1}.");
        throw new CrossheadException($"{MessageTerm.Layers} {selection} cannot be read at \"{part}\"; use all, deep, "
            + $"middle, or a list such as 0,2,5-9.");
    }
}
