namespace Crosshead.Data.Chat;

/// <summary>The variables that a part of a template sees: its own, then those around it. Counts the steps of a rendering.</summary>
internal sealed class JinjaScope
{
    private const int MaximumDepth = 100;
    private const int MaximumSteps = 1_000_000;
    private const int MaximumSeconds = 10;

    private readonly Dictionary<string, object?> _variables = [];
    private readonly JinjaScope? _outer;
    private readonly JinjaScope _root;
    private readonly long _began = Environment.TickCount64;
    private int _steps;
    private int _depth;

    public JinjaScope(JinjaScope? outer = null)
    {
        _outer = outer;
        _root = outer?._root ?? this;
    }

    /// <summary>A variable's value, or an undefined one.</summary>
    public object? this[string name]
    {
        get
        {
            for (var scope = this; scope is not null; scope = scope._outer)
                if (scope._variables.TryGetValue(name, out var value)) return value;
            return new JinjaUndefined($"'{name}' is undefined");
        }
        set => _variables[name] = value;
    }

    /// <summary>Counts one more statement or item of a loop, so that no template runs for ever. Conversations take a few thousand.</summary>
    public void Step()
    {
        if (++_root._steps > MaximumSteps) throw new JinjaException($"the template takes more than {MaximumSteps:N0} steps");
        if (Environment.TickCount64 - _root._began > 1000 * MaximumSeconds) throw new JinjaException($"the template takes more than {MaximumSeconds} seconds");
    }

    /// <summary>Runs a macro's body, so that no macro calls itself for ever.</summary>
    public T Call<T>(Func<T> body)
    {
        if (++_root._depth > MaximumDepth) throw new JinjaException($"macros call each other more than {MaximumDepth} deep");
        try
        {
            return body();
        }
        finally
        {
            _root._depth--;
        }
    }
}
