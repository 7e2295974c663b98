using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Crosshead.Serving;

/// <summary>
/// The hashes of a sequence's whole pages, each of all tokens up to its end and of the name space. They are computed
/// when they are first needed, and stay as they are when the sequence grows.
/// </summary>
/// <param name="tokens">The sequence, which may grow.</param>
/// <param name="pageTokens">Tokens per page.</param>
/// <param name="salt">The name space; null for the common one.</param>
internal sealed class PrefixKeys(List<int> tokens, int pageTokens, string? salt)
{
    private readonly List<UInt128> _keys = [];

    /// <summary>The name space; null for the common one.</summary>
    public string? Salt => salt;

    /// <summary>Tokens of a page.</summary>
    public ReadOnlySpan<int> IdsOf(int page) =>
        CollectionsMarshal.AsSpan(tokens).Slice(page * pageTokens, pageTokens);

    /// <summary>The hash of a page.</summary>
    public UInt128 Of(int page)
    {
        while (_keys.Count <= page)
        {
            var before = _keys.Count > 0 ? _keys[^1]
                : salt is null ? default : XxHash128.HashToUInt128(MemoryMarshal.AsBytes(salt.AsSpan()), 1);
            var hash = new XxHash128();
            hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<UInt128>(in before)));
            hash.Append(MemoryMarshal.AsBytes(IdsOf(_keys.Count)));
            _keys.Add(hash.GetCurrentHashAsUInt128());
        }
        return _keys[page];
    }
}
