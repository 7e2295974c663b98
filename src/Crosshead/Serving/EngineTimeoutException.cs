using System.Globalization;

namespace Crosshead.Serving;

/// <summary>A request took longer than an engine allows.</summary>
/// <param name="limit">How long it may take.</param>
public sealed class EngineTimeoutException(TimeSpan limit) : CrossheadException(string.Create(
    CultureInfo.InvariantCulture, $"the answer was not complete after {limit.TotalSeconds:0.###} s, the most that a "
        + $"request may take here; ask for fewer tokens, or ask again when there is less to do."));
