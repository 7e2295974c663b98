using static TorchSharp.torch;

namespace Crosshead.Compression;

/// <summary>
/// A text as consecutive windows of tokens without overlap. Each window starts with the begin token, if any.
/// </summary>
public sealed class TokenWindows
{
    private readonly long[] _ids; // [count · length]

    private TokenWindows(long[] ids, int length) => (_ids, Length, Count) = (ids, length, ids.Length / length);

    /// <summary>Number of tokens per window, including the begin token.</summary>
    public int Length { get; }

    /// <summary>Number of windows.</summary>
    public int Count { get; }

    /// <summary>Number of predicted tokens: all but the first of each window.</summary>
    public long Predictions => (long)Count * (Length - 1);

    /// <summary>Hash of the windows' tokens: XXH128 in lower-case hexadecimal.</summary>
    public string Hash => Convert.ToHexStringLower(
        System.IO.Hashing.XxHash128.Hash(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_ids.AsSpan())));

    /// <summary>Cuts a text into windows. The remaining tokens at its end are not used.</summary>
    /// <param name="ids">The text's token ids, without special tokens.</param>
    /// <param name="begin">The first token of each window; null for windows of text alone.</param>
    /// <param name="length">Number of tokens per window, including the begin token.</param>
    /// <param name="what">The name of the text in the error message.</param>
    /// <exception cref="CrossheadException">The text does not fill a window, or a window has no token to
    /// predict.</exception>
    public static TokenWindows Cut(IReadOnlyList<int> ids, int? begin, int length, string what)
    {
        if (length < 2)
            throw new CrossheadException(
                $"in a window of {length} tokens nothing is predicted; use at least 2 with {MessageTerm.Window}.");
        var (first, body) = (begin is null ? 0 : 1, begin is null ? length : length - 1);
        // Each window needs at least one more token after it, as in reference implementations.
        var count = ids.Count == 0 ? 0 : (ids.Count - 1) / body;
        if (count == 0)
            throw new CrossheadException($"{what} has {ids.Count} tokens, a window needs {body + 1}; give a longer "
                + $"text, or shorter windows with {MessageTerm.Window}.");
        var windows = new long[(long)count * length];
        for (var w = 0; w < count; w++)
        {
            if (begin is { } token) windows[w * length] = token;
            for (var i = 0; i < body; i++) windows[(w * length) + first + i] = ids[(w * body) + i];
        }
        return new TokenWindows(windows, length);
    }

    /// <summary>Creates windows from tokens that are already cut.</summary>
    /// <param name="ids">The token ids, window after window.</param>
    /// <param name="length">Number of tokens per window.</param>
    /// <exception cref="CrossheadException">The number of tokens is not a positive multiple of the length.</exception>
    public static TokenWindows Of(IReadOnlyCollection<long> ids, int length) =>
        length > 0 && ids.Count > 0 && ids.Count % length == 0
        ? new TokenWindows([.. ids], length)
        : throw new CrossheadException(
            $"{ids.Count} tokens do not make whole windows of {length}; give a multiple of the length.");

    /// <summary>Returns at most <paramref name="most"/> windows, spread evenly over the text.</summary>
    public TokenWindows AtMost(int most)
    {
        if (most >= Count) return this;
        var ids = Enumerable.Range(0, most)
            .SelectMany(i => _ids.AsSpan((int)((long)i * Count / most) * Length, Length).ToArray()).ToArray();
        return new TokenWindows(ids, Length);
    }

    /// <summary>Returns the windows in batches [at most <paramref name="size"/>, Length] (int64).</summary>
    public IEnumerable<Tensor> Batches(int size, Device device)
    {
        for (var start = 0; start < Count; start += size)
        {
            var count = Math.Min(size, Count - start);
            yield return tensor(_ids[(start * Length)..((start + count) * Length)], [count, Length],
                ScalarType.Int64, device);
        }
    }
}
