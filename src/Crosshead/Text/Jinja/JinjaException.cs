namespace Crosshead.Text.Jinja;

/// <summary>A template cannot be read or rendered. The caller that knows the line adds it.</summary>
internal sealed class JinjaException(string message, int? line = null) : Exception(message)
{
    /// <summary>The template's line, counted from 1.</summary>
    public int? Line { get; } = line;
}
