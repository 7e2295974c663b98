using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// The tokens of a model, by id and by text. Their texts lie one after another as UTF-8, and an open-addressed hash
/// table holds the ids: a vocabulary of 128,000 tokens takes 3 MiB. Read by any number of threads once filled.
/// </summary>
internal sealed class TokenTexts
{
    private const int BytesOnStack = 512;

    // Files come from anybody. Without the seed nobody can choose texts whose hashes meet.
    private static readonly ulong s_seed = (ulong)Random.Shared.NextInt64();

    private readonly int[] _slots; // an id plus one; 0 is free
    private readonly int _shift;
    private (int Start, int End)[] _places; // by id; a start of 0 is no token
    private byte[] _bytes;
    private int _used = 1;

    /// <summary>A table without tokens.</summary>
    /// <param name="most">Number of tokens that it has room for.</param>
    /// <param name="bytes">Number of bytes that it has room for. It grows if they do not suffice.</param>
    public TokenTexts(int most, long bytes)
    {
        var bits = 4;
        while (1L << bits < most * 2L)
            bits++;
        _shift = 64 - bits;
        _slots = new int[1 << bits];
        _places = new (int, int)[most];
        _bytes = new byte[Math.Min(bytes, 1 << 24) + 1];
    }

    /// <summary>The tokens of a dictionary.</summary>
    public static TokenTexts Of(IReadOnlyDictionary<string, int> tokens)
    {
        var texts = new TokenTexts(tokens.Count, tokens.Count * 8L);
        foreach (var (token, id) in tokens)
            texts.TryAdd(Encoding.UTF8.GetBytes(token), id);
        return texts;
    }

    /// <summary>One more than the largest id.</summary>
    public int Size { get; private set; }

    /// <summary>The tokens in the order of their ids.</summary>
    public IEnumerable<KeyValuePair<string, int>> All
    {
        get
        {
            for (var id = 0; id < Size; id++)
                if (TextOf(id) is { } text)
                    yield return new(text, id);
        }
    }

    /// <summary>Adds a token, unless another has its text. Not for several threads.</summary>
    /// <param name="text">Valid UTF-8.</param>
    /// <param name="id">Its id, which no other token has.</param>
    public bool TryAdd(ReadOnlySpan<byte> text, int id)
    {
        var slot = Slot(text);
        if (_slots[slot] != 0) return false;
        _slots[slot] = id + 1;
        if (id >= _places.Length)
            Array.Resize(ref _places, Math.Max(id + 1, _places.Length * 2));
        if (text.Length > _bytes.Length - _used)
            Array.Resize(ref _bytes, Math.Max(_used + text.Length, (int)Math.Min(_bytes.Length * 2L, Array.MaxLength)));
        text.CopyTo(_bytes.AsSpan(_used));
        _places[id] = (_used, _used += text.Length);
        Size = Math.Max(Size, id + 1);
        return true;
    }

    /// <summary>The id of a text in UTF-8, or null.</summary>
    public int? IdOf(ReadOnlySpan<byte> text) => _slots[Slot(text)] is > 0 and var found ? found - 1 : null;

    /// <summary>The id of a text, or null.</summary>
    public int? IdOf(ReadOnlySpan<char> text)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        Span<byte> utf8 = most <= BytesOnStack ? stackalloc byte[BytesOnStack] : new byte[most];
        return Utf8.FromUtf16(text, utf8, out _, out var count, replaceInvalidSequences: false) == OperationStatus.Done
            ? IdOf(utf8[..count]) : null; // half of a surrogate pair is in no token
    }

    /// <summary>Whether the text of a token is that of two others, one after the other.</summary>
    public bool IsJoined(int id, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => Has(id)
        && BytesOf(id) is var text && text.Length == left.Length + right.Length && text.StartsWith(left)
        && text.EndsWith(right);

    /// <summary>Whether an id is a token's.</summary>
    public bool Has(int id) => (uint)id < (uint)_places.Length && _places[id].Start > 0;

    /// <summary>The text of a token, or null.</summary>
    public string? TextOf(int id) => Has(id) ? Encoding.UTF8.GetString(BytesOf(id)) : null;

    private ReadOnlySpan<byte> BytesOf(int id) => _bytes.AsSpan(_places[id].Start.._places[id].End);

    // Where the text is, or the free slot where it would be. The table is at most half full.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Slot(ReadOnlySpan<byte> text)
    {
        var slot = (int)(Hash(text) >> _shift);
        while (_slots[slot] != 0 && !BytesOf(_slots[slot] - 1).SequenceEqual(text))
            slot = (slot + 1) & (_slots.Length - 1);
        return slot;
    }

    // Eight bytes at a time.
    private static ulong Hash(ReadOnlySpan<byte> text)
    {
        ref var at = ref MemoryMarshal.GetReference(text);
        var (hash, left) = (s_seed + (ulong)text.Length, text.Length);
        for (; left >= sizeof(ulong); left -= sizeof(ulong), at = ref Unsafe.Add(ref at, sizeof(ulong)))
            hash = Mixed(hash ^ Unsafe.ReadUnaligned<ulong>(ref at));
        var rest = 0UL;
        for (; left > 0; left--)
            rest = (rest << 8) | Unsafe.Add(ref at, left - 1);
        return Mixed(hash ^ rest);
    }

    private static ulong Mixed(ulong hash)
    {
        hash *= 0x9E3779B97F4A7C15UL;
        hash ^= hash >> 32;
        return hash * 0xD6E8FEB86659FD93UL;
    }
}
