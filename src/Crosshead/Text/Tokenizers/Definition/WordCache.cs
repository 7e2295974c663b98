using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// Remembers the tokens of words already encoded, for one thread at a time. Its memory is fixed: when it is full
/// it is emptied, which the frequent words survive at the cost of one encoding each.
/// </summary>
internal sealed class WordCache
{
    /// <summary>Longer words are rare and not kept.</summary>
    public const int LongestWord = 48;

    private const int Slots = 1 << 16;
    private const int MostWords = Slots / 2;

    private readonly Entry[] _entries = new Entry[Slots];
    private readonly char[] _characters = new char[MostWords * 12];
    private readonly int[] _ids = new int[MostWords * 6];
    private int _words;
    private int _usedCharacters;
    private int _usedIds;

    private struct Entry
    {
        public ulong Hash;
        public int Start;
        public int FirstId;
        public short Length; // 0 is free
        public short Ids;
    }

    /// <summary>The hash <see cref="TryGet"/> and <see cref="Add"/> take.</summary>
    public static ulong Hash(ReadOnlySpan<char> word) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(word));

    /// <summary>Finds the tokens of a word; they are valid until the next <see cref="Add"/>.</summary>
    public bool TryGet(ReadOnlySpan<char> word, ulong hash, out ReadOnlySpan<int> ids)
    {
        for (var slot = (int)(hash & (Slots - 1)); _entries[slot].Length != 0; slot = (slot + 1) & (Slots - 1))
        {
            ref var entry = ref _entries[slot];
            if (entry.Hash == hash && word.SequenceEqual(_characters.AsSpan(entry.Start, entry.Length)))
            {
                ids = _ids.AsSpan(entry.FirstId, entry.Ids);
                return true;
            }
        }
        ids = default;
        return false;
    }

    /// <summary>Keeps the tokens of a word that is not there yet.</summary>
    public void Add(ReadOnlySpan<char> word, ulong hash, ReadOnlySpan<int> ids)
    {
        if (_words == MostWords || _usedCharacters + word.Length > _characters.Length
            || _usedIds + ids.Length > _ids.Length)
        {
            Array.Clear(_entries);
            _words = _usedCharacters = _usedIds = 0;
        }
        var slot = (int)(hash & (Slots - 1));
        while (_entries[slot].Length != 0)
            slot = (slot + 1) & (Slots - 1);
        _entries[slot] = new Entry
        {
            Hash = hash,
            Start = _usedCharacters,
            FirstId = _usedIds,
            Length = (short)word.Length,
            Ids = (short)ids.Length,
        };
        word.CopyTo(_characters.AsSpan(_usedCharacters));
        ids.CopyTo(_ids.AsSpan(_usedIds));
        _usedCharacters += word.Length;
        _usedIds += ids.Length;
        _words++;
    }
}
