using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Crosshead.Server.Http;

/// <summary>
/// The keys of which a client must send one. Only their SHA-256 is kept, and a comparison takes the same time whatever
/// the client sent.
/// </summary>
internal sealed class ApiKeys(IEnumerable<string> keys)
{
    private const string Scheme = "Bearer ";

    private readonly byte[][] _hashes = [.. keys.Select(Hash)];

    /// <summary>Whether a key is needed.</summary>
    public bool Needed => _hashes.Length > 0;

    /// <summary>Checks the key of a request.</summary>
    /// <returns>Which of the keys it is; 0 if none is needed.</returns>
    /// <exception cref="ApiException">A key is needed, and the request has none or another.</exception>
    public int Require(HttpRequest request)
    {
        if (!Needed) return 0;
        string? header = request.Headers.Authorization;
        if (header is null || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw new ApiException(401, "missing_api_key",
                "the request has no API key; send the header Authorization: Bearer KEY.");
        var hash = Hash(header[Scheme.Length..].Trim());
        var found = -1;
        for (var i = 0; i < _hashes.Length; i++)
            if (CryptographicOperations.FixedTimeEquals(hash, _hashes[i])) found = i;
        return found >= 0 ? found : throw new ApiException(401, "invalid_api_key",
            "the API key is not one of this server's; send a key that the server was started with.");
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
