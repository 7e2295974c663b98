using System.Buffers.Binary;
using System.Text;

namespace Crosshead.Text.Tokenizers.Formats;

/// <summary>
/// Reads the fields of one protocol buffer message in the order they are stored. Damage is a
/// <see cref="FormatException"/>.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _left = message;

    /// <summary>The number of the field that <see cref="Next"/> found.</summary>
    public int Field { get; private set; }

    /// <summary>Its value where it is a whole number, a flag or an enumeration.</summary>
    public long Number { get; private set; }

    /// <summary>Its value where it is a text, bytes or a message, or the four bytes of a float.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Its value where it is a text.</summary>
    public readonly string Text => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Bytes);

    /// <summary>Its value where it is a float.</summary>
    public readonly float Float => Bytes.Length == 4 ? BinaryPrimitives.ReadSingleLittleEndian(Bytes)
        : throw new FormatException($"field {Field} is no float.");

    /// <summary>Moves to the next field; false at the end.</summary>
    public bool Next()
    {
        if (_left.IsEmpty)
            return false;
        var key = Varint();
        Field = (int)(key >> 3);
        Number = 0;
        Bytes = default;
        switch (key & 7)
        {
            case 0: Number = (long)Varint(); break;
            case 1: Bytes = Take(8); break;
            case 2: Bytes = Take(Varint()); break;
            case 5: Bytes = Take(4); break;
            default: throw new FormatException($"field {Field} has the unknown kind {key & 7}.");
        }
        return true;
    }

    private ulong Varint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Take(1)[0];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }
        throw new FormatException("a number has more than ten bytes.");
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_left.Length)
            throw new FormatException($"it ends {count - (ulong)_left.Length} bytes too early.");
        var taken = _left[..(int)count];
        _left = _left[(int)count..];
        return taken;
    }
}
