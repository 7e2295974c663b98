using System.Net;

namespace Crosshead.Server;

/// <summary>Where and how a server answers.</summary>
public sealed record ServerOptions
{
    /// <summary>The address it listens at.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 for any free one.</summary>
    public int Port { get; init; } = 8080;
}
