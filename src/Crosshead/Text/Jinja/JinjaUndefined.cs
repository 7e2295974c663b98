namespace Crosshead.Text.Jinja;

/// <summary>
/// The value of a missing name. It is false, empty and printed as nothing, but computing with it is an error.
/// </summary>
/// <param name="Reason">What is missing.</param>
internal sealed record JinjaUndefined(string Reason)
{
    /// <summary>The error of using it.</summary>
    public JinjaException Error() => new(Reason);
}
