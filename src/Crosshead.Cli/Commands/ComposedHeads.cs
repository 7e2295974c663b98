using Crosshead.Model;

namespace Crosshead.Cli.Commands;

/// <summary>Describes how a model composes its key and value heads.</summary>
internal static class ComposedHeads
{
    /// <summary>
    /// The grains that multiply the components of keys and of values, each with its number of layers. The result is
    /// "none" for a model of plain heads.
    /// </summary>
    public static string Of(ModelOptions options)
    {
        var layers = Enumerable.Range(0, options.Layers).Select(options.AttentionOf).ToArray();
        string[] parts =
        [
            .. Parts("keys", layers.Where(a => a.ComposesKeys).Select(a => EnumName.Of(a.KeyGrain)), layers.Length),
            .. Parts("values",
                layers.Where(a => a.ComposesValues).Select(a => EnumName.Of(a.ValueGrain)), layers.Length),
        ];
        return parts.Length == 0 ? "none" : string.Join(", ", parts);
    }

    private static IEnumerable<string> Parts(string what, IEnumerable<string> grains, int layers) =>
        grains.GroupBy(g => g)
        .Select(g => $"{what} by {g.Key} in {(g.Count() == layers ? "all" : $"{g.Count()} of {layers}")} layers");
}
