namespace Crosshead.Checkpoints;

/// <summary>The tensors of one type in a model's files.</summary>
/// <param name="Name">The type's name.</param>
/// <param name="Tensors">How many tensors have it.</param>
/// <param name="Elements">Numbers that they hold.</param>
/// <param name="Bytes">Bytes that they take.</param>
public sealed record StoredType(string Name, int Tensors, long Elements, long Bytes)
{
    /// <summary>Bits that a number takes, with its part of a scale.</summary>
    public double BitsPerWeight => Elements == 0 ? 0 : 8.0 * Bytes / Elements;

    /// <summary>Joins tensors of equal types, the type with the most bytes first.</summary>
    internal static IReadOnlyList<StoredType> Of(IEnumerable<StoredType> tensors) =>
        [.. tensors.GroupBy(t => t.Name).Select(g => Sum([.. g]) with { Name = g.Key })
            .OrderByDescending(t => t.Bytes).ThenBy(t => t.Name, StringComparer.Ordinal)];

    /// <summary>All types together.</summary>
    /// <param name="types">The types.</param>
    public static StoredType Sum(IReadOnlyList<StoredType> types) =>
        new("all", types.Sum(t => t.Tensors), types.Sum(t => t.Elements), types.Sum(t => t.Bytes));
}
