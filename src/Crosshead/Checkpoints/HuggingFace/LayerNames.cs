namespace Crosshead.Checkpoints.HuggingFace;

/// <summary>Names of tensors in any layer: <c>model.layers.</c>, the layer's number, and a form.</summary>
/// <param name="form">What stands behind the layer's number. A <c>*</c> stands for the number of an expert.</param>
internal sealed class LayerNames(string form)
{
    private const string Layers = "model.layers.";

    private readonly int _star = form.IndexOf('*', StringComparison.Ordinal);

    /// <summary>Whether the form has the number of an expert.</summary>
    public bool HasExpert => _star >= 0;

    /// <summary>
    /// The name's beginning up to the form, such as <c>model.layers.0.</c>, and the number of the expert, empty for a
    /// form without one; null for other names.
    /// </summary>
    public (string Layer, string Expert)? Match(string name)
    {
        if (!name.StartsWith(Layers, StringComparison.Ordinal)) return null;
        var dot = name.IndexOf('.', Layers.Length);
        if (dot < 0 || !IsNumber(name.AsSpan(Layers.Length..dot))) return null;
        var (layer, rest) = (name[..(dot + 1)], name[(dot + 1)..]);
        if (!HasExpert) return rest == form ? (layer, "") : null;
        var (before, after) = (form[.._star], form[(_star + 1)..]);
        if (rest.Length < form.Length || !rest.StartsWith(before, StringComparison.Ordinal)
            || !rest.EndsWith(after, StringComparison.Ordinal)) return null;
        var expert = rest[before.Length..^after.Length];
        return IsNumber(expert) ? (layer, expert) : null;
    }

    /// <summary>The name of one tensor.</summary>
    /// <param name="layer">Its beginning, as <see cref="Match"/> returns it.</param>
    /// <param name="expert">The number of the expert.</param>
    public string Of(string layer, string expert) => layer + form.Replace("*", expert, StringComparison.Ordinal);

    private static bool IsNumber(ReadOnlySpan<char> word) => !word.IsEmpty && !word.ContainsAnyExceptInRange('0', '9');
}
