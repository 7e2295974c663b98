using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Safetensors;

/// <summary>
/// A parameter in a stored tensor: the whole tensor, or a part of it. Transformers 5 may keep the experts of a layer
/// together, <c>mlp.experts.gate_up_proj</c> [E, 2F, D] (an expert's gate above its up projection) and
/// <c>mlp.experts.down_proj</c> [E, D, F], where models have <c>mlp.experts.0.gate_proj.weight</c> and so on.
/// </summary>
/// <param name="Name">The parameter.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Expert">Index along the stored tensor's first dimension; null if it has no experts.</param>
/// <param name="Start">First row, within the expert if there is one; null if the tensor is the parameter.</param>
internal sealed partial record StoredPart(string Name, long[] Shape, long? Expert = null, long? Start = null)
{
    /// <summary>
    /// For each row of a head, its place among the head's rows in the file; null for the same place.
    /// </summary>
    public long[]? Order { get; init; }

    /// <summary>Whether the tensor is the parameter, as it is.</summary>
    public bool IsWhole => Start is null;

    /// <summary>
    /// The parameters that a stored tensor holds: itself, or those of the experts kept together in it.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its shape.</param>
    public static IEnumerable<StoredPart> Of(string name, long[] shape)
    {
        string[]? projections = FusedName().Match(name) is not { Success: true } match
            || shape is not [> 0, > 0, > 0] ? null
            : match.Groups["kind"].Value == "down" ? ["down"] : ["gate", "up"];
        if (projections is null || shape[1] % projections.Length != 0)
        {
            yield return new(name, shape);
            yield break;
        }
        var (experts, rows) = (name[..(name.LastIndexOf('.') + 1)], shape[1] / projections.Length);
        for (var expert = 0L; expert < shape[0]; expert++)
            for (var i = 0; i < projections.Length; i++)
                yield return new($"{experts}{expert}.{projections[i]}_proj.weight", [rows, shape[2]], expert, i * rows);
    }

    /// <summary>The first row of the parameter, over all rows of the stored tensor.</summary>
    /// <param name="stored">Shape of the stored tensor.</param>
    public long FirstRow(long[] stored) => (Expert is { } expert ? expert * stored[1] : 0L) + (Start ?? 0L);

    /// <summary>The parameter's values: a view of the stored tensor, or rows of it in the parameter's order.</summary>
    public Tensor In(Tensor stored)
    {
        if (IsWhole) return stored;
        var rows = (Expert is { } expert ? stored.select(0, expert) : stored).narrow(0, Start!.Value, Shape[0]);
        return Order is null ? rows : Ordered(rows, Order);
    }

    /// <summary>Rows of heads in the order of a file, from a parameter's.</summary>
    public static Tensor Unordered(Tensor rows, long[] order)
    {
        var places = new long[order.Length];
        for (var i = 0; i < order.Length; i++) places[order[i]] = i;
        return Ordered(rows, places);
    }

    private static Tensor Ordered(Tensor rows, long[] order) => rows.unflatten(0, -1, order.Length)
        .index_select(1, tensor(order, device: rows.device)).flatten(0, 1);

    [GeneratedRegex(@"\.mlp\.experts\.(?<kind>gate_up|down)_proj$", RegexOptions.ExplicitCapture)]
    private static partial Regex FusedName();
}
