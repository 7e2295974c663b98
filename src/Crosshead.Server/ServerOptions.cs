using System.Net;

namespace Crosshead.Server;

/// <summary>Where and how a server answers.</summary>
public sealed record ServerOptions
{
    /// <summary>The largest <see cref="RateLimit"/>.</summary>
    public const int LargestRate = 1_000_000;

    /// <summary>The address it listens at.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 for any free one.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>
    /// Names by which browsers may ask for this server, besides <c>localhost</c> and addresses, such as that of a proxy
    /// before it, without ports. Without keys a server at a local address, or with such names, refuses all other names.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Keys of which a client must send one; empty if none is needed.</summary>
    public IReadOnlyList<string> ApiKeys { get; init; } = [];

    /// <summary>
    /// Requests for answers that each key may send in a minute, or all clients together if no key is needed; null for
    /// no limit.
    /// </summary>
    public int? RateLimit { get; init; }

    /// <summary>Most bytes of the body of a request.</summary>
    public long MaxBody { get; init; } = 32 << 20;

    /// <summary>Most choices of one prompt (the field <c>n</c>).</summary>
    public int MaxChoices { get; init; } = 16;

    /// <summary>Most prompts of one request for completions.</summary>
    public int MaxPrompts { get; init; } = 256;

    /// <summary>Most connections at a time.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>How long running requests may take once the server stops.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After this time without an event a stream sends a comment, so that nobody takes it for dead.</summary>
    public TimeSpan Ping { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>What the names of metrics begin with.</summary>
    public string MetricsPrefix { get; init; } = "crosshead:";

    /// <summary>
    /// The names of the fields in which answers tell thoughts. Clients know one of the two usual names or the other, so
    /// both are told without a choice.
    /// </summary>
    public IReadOnlyList<string> ReasoningFields { get; init; } = ["reasoning", "reasoning_content"];

    /// <summary>Whether the log shows prompts.</summary>
    public bool LogsPrompts { get; init; }

    /// <summary>Whether a client without a key can only be on this machine.</summary>
    public bool IsLocal => IPAddress.IsLoopback(Address);

    /// <summary>
    /// Whether requests for hosts of other names are refused, which pages of other sites may send: at a local address,
    /// or where names are given, and no key is needed, which such a page does not have.
    /// </summary>
    internal bool ChecksHosts => ApiKeys.Count == 0 && (IsLocal || AllowedHosts.Count > 0);

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="CrossheadException">A value is out of its range.</exception>
    public void Validate()
    {
        Require(Port is >= 0 and <= 65535, "port", Port, "0 (any free port) to 65535");
        Require(RateLimit is null or >= 1 and <= LargestRate, "rateLimit", RateLimit ?? 0,
            $"1 to {LargestRate} requests a minute");
        Require(MaxBody is >= 1024 and <= 1L << 40, "maxBody", MaxBody, "1024 or more bytes");
        Require(MaxChoices is >= 1 and <= 128, "maxChoices", MaxChoices, "1 to 128");
        Require(MaxPrompts is >= 1 and <= 1 << 16, "maxPrompts", MaxPrompts, "1 to 65536");
        Require(MaxConnections is >= 1 and <= 1 << 20, "maxConnections", MaxConnections, "1 to 1048576");
        Require(Drain >= TimeSpan.Zero && Drain <= TimeSpan.FromDays(1), "drain", Drain.TotalSeconds,
            "0 to 86400 seconds");
        Require(Ping > TimeSpan.Zero && Ping <= TimeSpan.FromHours(1), "ping", Ping.TotalSeconds,
            "more than 0, at most 3600 seconds");
        if (AllowedHosts.FirstOrDefault(name => Uri.CheckHostName(name) == UriHostNameType.Unknown) is { } host)
            throw new CrossheadException($"the host \"{host}\" is not a name; give one without a scheme, port or path, "
                + "such as chat.example.org.");
        if (ApiKeys.Any(string.IsNullOrWhiteSpace))
            throw new CrossheadException("an API key is empty; give a key of at least one character, or none at all.");
        if (ApiKeys.Any(key => key.Any(c => char.IsControl(c) || c == '\uFFFD')))
            throw new CrossheadException("an API key holds what is no text; give keys that a client can send in a "
                + "header, such as letters and digits.");
        if (ReasoningFields.Count == 0 || ReasoningFields.Distinct().Count() < ReasoningFields.Count
            || ReasoningFields.Any(name => name is not ("reasoning" or "reasoning_content")))
            throw new CrossheadException($"reasoningFields ({string.Join(", ", ReasoningFields)}) must be reasoning, "
                + "reasoning_content, or both.");
        if (MetricsPrefix.Length > 64 || !MetricsPrefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':')
            || MetricsPrefix.Length > 0 && char.IsAsciiDigit(MetricsPrefix[0]))
            throw new CrossheadException($"metricsPrefix (\"{MetricsPrefix}\") must be letters, digits, _ and :, and "
                + "not begin with a digit, such as \"vllm:\".");
    }

    private static void Require(bool inRange, string name, double value, string range)
    {
        if (!inRange) throw new CrossheadException($"{name} ({value}) is out of range; use {range}.");
    }
}
