namespace Crosshead.Text.Jinja;

/// <summary>What <c>namespace(…)</c> makes: the one object whose attributes a template can set.</summary>
/// <param name="attributes">Its attributes.</param>
internal sealed class JinjaNamespace(OrderedDictionary<string, object?> attributes)
{
    /// <summary>Its attributes.</summary>
    public OrderedDictionary<string, object?> Attributes => attributes;
}
