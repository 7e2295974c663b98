namespace Crosshead.Text.Jinja;

/// <summary>
/// What the filters <c>safe</c> and <c>escape</c> give. Joined to other text by <c>+</c> it would escape that; it can only be
/// put out, joined by <c>~</c>, or turned into plain text by being captured.
/// </summary>
internal sealed record JinjaMarkup(string Text);
