namespace Crosshead.Text.Jinja;

/// <summary>
/// Limits of one rendering. A template comes with somebody else's model, so it must not run or grow for ever.
/// </summary>
internal sealed record JinjaLimits
{
    /// <summary>
    /// Statements run, and items looped over, compared or visited. Conversations take a few thousand.
    /// </summary>
    public long Steps { get; init; } = 10_000_000;

    /// <summary>Characters of one text.</summary>
    public long Text { get; init; } = 10_000_000;

    /// <summary>Characters put out.</summary>
    public long Output { get; init; } = 20_000_000;

    /// <summary>
    /// Characters of all texts made together; an item of a list counts as <see cref="ItemSize"/> of them.
    /// </summary>
    public long Made { get; init; } = 200_000_000;

    /// <summary>Macros within macros.</summary>
    public int Depth { get; init; } = 100;

    /// <summary>
    /// Results of <c>map</c> or <c>select</c> that wait for each other's items. Every one of them takes some of the
    /// stack.
    /// </summary>
    public int Generators { get; init; } = 1000;

    /// <summary>Seconds.</summary>
    public int Seconds { get; init; } = 10;

    /// <summary>How many characters an item of a list counts as: 8 bytes.</summary>
    public const int ItemSize = 4;
}
