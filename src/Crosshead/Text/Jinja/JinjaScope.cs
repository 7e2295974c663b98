namespace Crosshead.Text.Jinja;

/// <summary>The variables that a part of a template sees: its own, then those around it.</summary>
internal sealed class JinjaScope
{
    private readonly Dictionary<string, object?> _variables = [];
    private readonly JinjaScope? _outer;

    /// <summary>The scope of a whole template.</summary>
    public JinjaScope(JinjaBudget budget) => Budget = budget;

    /// <summary>A scope within another.</summary>
    public JinjaScope(JinjaScope outer) => (_outer, Budget) = (outer, outer.Budget);

    /// <summary>The remaining budget of the rendering.</summary>
    public JinjaBudget Budget { get; }

    /// <summary>A variable's value, or an undefined one.</summary>
    public object? this[string name]
    {
        get
        {
            for (var scope = this; scope is not null; scope = scope._outer)
                if (scope._variables.TryGetValue(name, out var value)) return value;
            return new JinjaUndefined($"'{name.Shown()}' is undefined");
        }
        set => _variables[name] = value;
    }
}
