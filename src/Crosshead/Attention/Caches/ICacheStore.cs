namespace Crosshead.Attention.Caches;

/// <summary>
/// The tokens that decoding keeps, sequence by sequence. A sequence has a slot; slots are independent of each other.
/// </summary>
public interface ICacheStore
{
    /// <summary>Number of slots.</summary>
    int Slots { get; }

    /// <summary>Most tokens per slot.</summary>
    int Capacity { get; }

    /// <summary>Bytes of the kept tokens of all slots.</summary>
    long Bytes { get; }

    /// <summary>Number of tokens kept in a slot.</summary>
    int LengthOf(int slot);

    /// <summary>
    /// Forgets a slot's tokens from <paramref name="length"/> on; 0 frees the slot for another sequence.
    /// </summary>
    void Truncate(int slot, int length);

    /// <summary>Forgets the last <paramref name="count"/> tokens of every slot.</summary>
    void Rewind(int count)
    {
        for (var slot = 0; slot < Slots; slot++) Truncate(slot, LengthOf(slot) - count);
    }
}
