namespace Crosshead.Text.Jinja;

/// <summary>
/// The result of the filters <c>safe</c> and <c>escape</c>. Joined with <c>+</c> it would escape the other text. Here
/// it can only be output, joined with <c>~</c>, or captured, which makes plain text of it.
/// </summary>
internal sealed record JinjaMarkup(string Text);
