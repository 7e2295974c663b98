namespace Crosshead.Text.Jinja;

/// <summary>The value of what is not there: false, empty and printed as nothing, but an error to compute with.</summary>
/// <param name="Reason">What is not there.</param>
internal sealed record JinjaUndefined(string Reason)
{
    /// <summary>The error of using it.</summary>
    public JinjaException Error() => new(Reason);
}
