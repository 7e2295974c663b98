namespace Crosshead.Text.Jinja;

/// <summary>The arguments of a call as they are written: those by position and those by name.</summary>
internal sealed record JinjaCall(IReadOnlyList<object?> Positional, OrderedDictionary<string, object?> Named,
    JinjaBudget Budget);

/// <summary>What a template can call.</summary>
internal delegate object? JinjaFunction(JinjaCall call);
