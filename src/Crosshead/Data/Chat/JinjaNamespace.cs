namespace Crosshead.Data.Chat;

/// <summary>What <c>namespace(…)</c> makes: the one object whose attributes a template can set.</summary>
internal sealed class JinjaNamespace
{
    /// <summary>Its attributes.</summary>
    public Dictionary<string, object?> Attributes { get; } = [];
}
