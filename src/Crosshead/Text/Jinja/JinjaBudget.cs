namespace Crosshead.Text.Jinja;

/// <summary>
/// What one rendering has used of its <see cref="JinjaLimits"/>. Every operation is charged before it runs.
/// </summary>
internal sealed class JinjaBudget(JinjaLimits limits)
{
    private readonly long _began = Environment.TickCount64;
    private long _steps;
    private long _made;
    private int _depth, _asked;

    /// <summary>Counts one more statement, or one more visited value.</summary>
    public void Step()
    {
        if (++_steps > limits.Steps) throw new JinjaException($"the template takes more than {limits.Steps:N0} steps");
        if (Environment.TickCount64 - _began > 1000L * limits.Seconds)
            throw new JinjaException($"the template takes more than {limits.Seconds} seconds");
    }

    /// <summary>Counts new characters.</summary>
    public void Make(long characters)
    {
        _made += characters;
        if (_made > limits.Made)
            throw new JinjaException($"the template makes texts and lists of more than {limits.Made:N0} characters");
    }

    /// <summary>Counts items of new lists.</summary>
    public void MakeItems(long items) => Make(Math.Min(items, limits.Made + 1) * JinjaLimits.ItemSize);

    /// <summary>Refuses a text that would be too long.</summary>
    public void RequireText(long length)
    {
        if (length > limits.Text) throw new JinjaException($"a text longer than {limits.Text:N0} characters");
    }

    /// <summary>Refuses an output that is too long.</summary>
    public void RequireOutput(long length)
    {
        if (length > limits.Output)
            throw new JinjaException($"the template puts out more than {limits.Output:N0} characters");
    }

    /// <summary>Counts and returns a new value.</summary>
    public object? Made(object? value)
    {
        if (value is string text)
        {
            RequireText(text.Length);
            Make(text.Length);
        }
        else if (value is List<object?> or object?[]) MakeItems(((IReadOnlyList<object?>)value).Count);
        else if (value is JinjaDictionary dictionary) MakeItems(4L * dictionary.Count);
        return value;
    }

    /// <summary>Asks a generator for an item, and limits how many of them wait for each other.</summary>
    public bool Ask(Func<bool> next)
    {
        if (++_asked > limits.Generators)
            throw new JinjaException($"its sequences nest too deeply, more than {limits.Generators:N0} of them");
        try
        {
            return next();
        }
        finally
        {
            _asked--;
        }
    }

    /// <summary>Runs a macro's body, and limits how deep macros call each other.</summary>
    public T Call<T>(Func<T> body)
    {
        if (++_depth > limits.Depth) throw new JinjaException($"macros call each other more than {limits.Depth} deep");
        try
        {
            return body();
        }
        finally
        {
            _depth--;
        }
    }
}
