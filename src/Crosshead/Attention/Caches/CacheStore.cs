namespace Crosshead.Attention.Caches;

/// <summary>A cache of slots that counts the tokens of each. What a token takes is the same in every slot.</summary>
/// <param name="slots">Number of slots.</param>
/// <param name="capacity">Most tokens per slot.</param>
/// <param name="bytesPerToken">Bytes per kept token.</param>
public abstract class CacheStore(int slots, int capacity, long bytesPerToken) : ICacheStore
{
    private readonly int[] _lengths = new int[slots];

    /// <inheritdoc/>
    public int Slots => _lengths.Length;

    /// <inheritdoc/>
    public int Capacity => capacity;

    /// <inheritdoc/>
    public long Bytes
    {
        get
        {
            var tokens = 0L;
            foreach (var length in _lengths) tokens += length;
            return tokens * bytesPerToken;
        }
    }

    /// <inheritdoc/>
    public int LengthOf(int slot) => _lengths[slot];

    /// <inheritdoc/>
    public void Truncate(int slot, int length) => _lengths[slot] = Math.Clamp(length, 0, _lengths[slot]);

    /// <summary>Counts tokens that were written to a slot up to <paramref name="length"/>; later ones are
    /// forgotten.</summary>
    internal void Keep(int slot, int length) => _lengths[slot] = length;
}
