using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// The tokens of a model, by id and by text. Their texts lie one after another as UTF-8, each after its length, and an
/// open-addressed hash table holds the ids. Bits of a text's hash beside an id tell most other texts apart, so that
/// hardly any text is compared in vain. A vocabulary of 128,000 tokens takes 2.5 MiB. Read by any number of threads
/// once filled.
/// </summary>
internal sealed class TokenTexts
{
    private const int BytesOnStack = 512;
    private const byte Long = 255; // stands for a length of four bytes that follow
    private const int Spare = 4096; // bytes, for lengths of long texts

    // Files come from anybody. Without the seed nobody can choose texts whose hashes meet.
    private static readonly ulong s_seed = (ulong)Random.Shared.NextInt64();

    private readonly uint[] _slots; // an id plus one, and above it bits of the text's hash; 0 is free
    private readonly uint _idMask;
    private readonly int _shift;
    private readonly int[] _starts; // of the lengths, by id; 0 is no token
    private byte[] _bytes;
    private int _used = 1;

    /// <summary>A table without tokens.</summary>
    /// <param name="ids">One more than the largest id that it has room for.</param>
    /// <param name="most">Number of tokens that it has room for.</param>
    /// <param name="bytes">Number of bytes that it has room for. It grows if they do not suffice.</param>
    public TokenTexts(int ids, int most, long bytes)
    {
        var bits = 4;
        while (1L << bits < most * 2L)
            bits++;
        _shift = 64 - bits;
        _slots = new uint[1 << bits];
        _idMask = (uint)BitOperations.RoundUpToPowerOf2((ulong)ids + 1) - 1;
        _starts = new int[ids];
        _bytes = new byte[Math.Min(bytes, 1 << 24) + most + Spare];
    }

    /// <summary>The tokens of a dictionary.</summary>
    public static TokenTexts Of(IReadOnlyDictionary<string, int> tokens)
    {
        var texts = new TokenTexts(tokens.Count == 0 ? 0 : tokens.Values.Max() + 1, tokens.Count, tokens.Count * 8L);
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
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // once for each of hundreds of thousands of tokens
    public bool TryAdd(ReadOnlySpan<byte> text, int id)
    {
        var hash = Hash(text);
        ref var slot = ref Slot(text, hash);
        if (slot != 0) return false;
        slot = ((uint)hash & ~_idMask) | (uint)(id + 1);
        if (text.Length + 1 + sizeof(int) > _bytes.Length - _used) Grow(text.Length); // a little early
        _starts[id] = _used;
        _bytes[_used++] = (byte)Math.Min(text.Length, Long);
        if (text.Length >= Long)
        {
            MemoryMarshal.Write(_bytes.AsSpan(_used), text.Length);
            _used += sizeof(int);
        }
        text.CopyTo(_bytes.AsSpan(_used));
        _used += text.Length;
        Size = Math.Max(Size, id + 1);
        return true;
    }

    /// <summary>The id of a text in UTF-8, or null.</summary>
    public int? IdOf(ReadOnlySpan<byte> text) => Find(text) is >= 0 and var id ? id : null;

    /// <summary>The id of a text in UTF-8, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ReadOnlySpan<byte> text) => (int)(Slot(text, Hash(text)) & _idMask) - 1;

    /// <summary>The id of a text, or null.</summary>
    public int? IdOf(ReadOnlySpan<char> text)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        Span<byte> utf8 = most <= BytesOnStack ? stackalloc byte[BytesOnStack] : new byte[most];
        return Utf8.FromUtf16(text, utf8, out _, out var count, replaceInvalidSequences: false) == OperationStatus.Done
            ? IdOf(utf8[..count]) : null; // half of a surrogate pair is in no token
    }

    /// <summary>Whether the text of a token is that of two others, one after the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsJoined(int id, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => Has(id)
        && BytesOf(id) is var text && text.Length == left.Length + right.Length && text.StartsWith(left)
        && text.EndsWith(right);

    /// <summary>Whether an id is a token's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Has(int id) => (uint)id < (uint)_starts.Length && _starts[id] > 0;

    /// <summary>The text of a token, or null.</summary>
    public string? TextOf(int id) => Has(id) ? Encoding.UTF8.GetString(BytesOf(id)) : null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ReadOnlySpan<byte> BytesOf(int id)
    {
        var start = _starts[id];
        int length = _bytes[start++];
        if (length == Long)
        {
            length = MemoryMarshal.Read<int>(_bytes.AsSpan(start));
            start += sizeof(int);
        }
        return new ReadOnlySpan<byte>(_bytes, start, length);
    }

    // Where the text is, or the free slot where it would be. The table is at most half full.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref uint Slot(ReadOnlySpan<byte> text, ulong hash)
    {
        for (var at = (int)(hash >> _shift); ; at = (at + 1) & (_slots.Length - 1))
        {
            ref var slot = ref _slots[at];
            if (slot == 0 || (((slot ^ (uint)hash) & ~_idMask) == 0
                && BytesOf((int)(slot & _idMask) - 1).SequenceEqual(text))) return ref slot;
        }
    }

    private void Grow(int length) => Array.Resize(ref _bytes,
        (int)Math.Min(Math.Max(_used + length + 1L + sizeof(int), _bytes.Length * 2L), Array.MaxLength));

    // Eight bytes at a time; the last ones may overlap those before them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(ReadOnlySpan<byte> text)
    {
        ref var at = ref MemoryMarshal.GetReference(text);
        var (hash, length) = (s_seed + (ulong)text.Length, text.Length);
        if (length >= sizeof(ulong))
        {
            for (var i = 0; i < length - sizeof(ulong); i += sizeof(ulong))
                hash = Mixed(hash ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, i)));
            return Mixed(hash ^ Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, length - sizeof(ulong))));
        }
        if (length >= sizeof(uint))
            return Mixed(hash ^ Unsafe.ReadUnaligned<uint>(ref at)
                ^ ((ulong)Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref at, length - sizeof(uint))) << 32));
        return length == 0 ? Mixed(hash) : Mixed(hash ^ at ^ ((ulong)Unsafe.Add(ref at, length >> 1) << 8)
            ^ ((ulong)Unsafe.Add(ref at, length - 1) << 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mixed(ulong hash)
    {
        hash *= 0x9E3779B97F4A7C15UL;
        hash ^= hash >> 32;
        return hash * 0xD6E8FEB86659FD93UL;
    }
}
