using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Crosshead.Server.Http;

/// <summary>The name of a request in the log: the client's own if it sends a plain one, otherwise a new one.</summary>
internal static class RequestId
{
    /// <summary>The header of requests and answers that has it.</summary>
    public const string Header = "X-Request-Id";

    private const int Longest = 128;

    /// <summary>The name of this request.</summary>
    public static string Of(HttpRequest request) =>
        (string?)request.Headers[Header] is { Length: > 0 and <= Longest } given
            && given.All(c => c is > ' ' and <= '~') ? given : New("req-");

    /// <summary>A name that nothing else has.</summary>
    /// <param name="prefix">What it begins with.</param>
    public static string New(string prefix) =>
        prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
}
