using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.TensorParallel;

/// <summary>The caches of ranks as one: each keeps the same tokens, for other heads.</summary>
/// <param name="ranks">Those of the ranks.</param>
internal class SharedCache(IReadOnlyList<ICacheStore> ranks) : ICacheStore
{
    /// <inheritdoc/>
    public int Slots => ranks[0].Slots;

    /// <inheritdoc/>
    public int Capacity => ranks[0].Capacity;

    /// <inheritdoc/>
    public long Bytes => ranks.Sum(r => r.Bytes);

    /// <inheritdoc/>
    public int LengthOf(int slot) => ranks[0].LengthOf(slot);

    /// <inheritdoc/>
    public void Truncate(int slot, int length)
    {
        foreach (var rank in ranks) rank.Truncate(slot, length);
    }
}
