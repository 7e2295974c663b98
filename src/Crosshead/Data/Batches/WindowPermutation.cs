namespace Crosshead.Data.Batches;

/// <summary>
/// A seeded shuffle of 0 … count − 1 that computes each element directly, so a data set of any size needs no table. A
/// Feistel network of six rounds is a bijection on 2^(2h) ≥ count values. Values outside 0 … count − 1 go through it
/// again (cycle walking), which keeps it a bijection on 0 … count − 1. Integer arithmetic alone: every machine
/// gives the same order.
/// </summary>
internal readonly struct WindowPermutation
{
    private const int Rounds = 6;

    private readonly ulong _key, _count, _mask;
    private readonly int _halfBits;

    public WindowPermutation(long count, ulong seed, long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _count = (ulong)count;
        _key = SplitMix64.Mix(SplitMix64.Mix(seed) ^ (ulong)epoch);
        // The smallest even number of bits, at least two, that holds count − 1: fewer than four candidates a value.
        var bits = 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)count - 1);
        _halfBits = Math.Max(1, (bits + 1) / 2);
        _mask = (1UL << _halfBits) - 1;
    }

    public long this[long index]
    {
        get
        {
            var value = (ulong)index;
            do
            {
                value = Permute(value);
            }
            while (value >= _count);
            return (long)value;
        }
    }

    private ulong Permute(ulong value)
    {
        var (left, right) = (value >> _halfBits, value & _mask);
        for (var round = 0UL; round < Rounds; round++)
            (left, right) = (right, left ^ (SplitMix64.Mix(_key + (round << 56) + right) & _mask));
        return (left << _halfBits) | right;
    }
}
