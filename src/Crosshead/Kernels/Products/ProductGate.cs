namespace Crosshead.Kernels.Products;

/// <summary>
/// What the first half of a product's outputs, a gate, does to the second (<c>gates.cuh</c>).
/// </summary>
/// <param name="Kind">What the kernels call it; 0 for a product without a gate.</param>
/// <param name="Limit">Where numbers are cut off, if they are.</param>
internal readonly record struct ProductGate(int Kind, float Limit)
{
    /// <summary>All outputs are results.</summary>
    public static ProductGate None => default;

    /// <summary>silu(gate)·up</summary>
    public static ProductGate Silu => new(1, 0);

    /// <summary>That of gpt-oss.</summary>
    /// <param name="limit">Largest gate and largest magnitude of an up projection.</param>
    public static ProductGate Clamped(double limit) => new(2, (float)limit);

    /// <summary>Rows of a weight for each result.</summary>
    public int RowsOfResult => Kind == 0 ? 1 : 2;

    /// <summary>The macro.</summary>
    public string Define => $"GLU={Kind}";
}
