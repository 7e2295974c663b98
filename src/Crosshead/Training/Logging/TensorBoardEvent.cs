using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Crosshead.Training.Logging;

/// <summary>
/// The few protocol-buffer messages that TensorBoard's scalars need, and the frame around each in the file:
/// length (8 bytes), its checksum (4), message, its checksum (4), all little-endian.
/// </summary>
internal static class TensorBoardEvent
{
    // Wire types of protocol buffers.
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;
    private const int Fixed32 = 5;

    /// <summary>The first record of every file.</summary>
    public static byte[] Version(DateTimeOffset time)
    {
        var message = Event(time, step: 0);
        Write(message, 3, "brain.Event:2"u8); // file_version
        return message.ToArray();
    }

    /// <summary>
    /// Says that a run restarted: values of <paramref name="firstStep"/> and later in older files are void.
    /// </summary>
    public static byte[] Restart(DateTimeOffset time, long firstStep)
    {
        var message = Event(time, firstStep);
        Write(message, 7, [1 << 3 | Varint, 1]); // session_log { status: START }
        return message.ToArray();
    }

    /// <summary>The values of one step.</summary>
    public static byte[] Scalars(DateTimeOffset time, long step, IEnumerable<(string Tag, double Value)> scalars)
    {
        var summary = new MemoryStream();
        Span<byte> number = stackalloc byte[4];
        foreach (var (tag, scalar) in scalars)
        {
            var value = new MemoryStream();
            Write(value, 1, Encoding.UTF8.GetBytes(tag)); // tag
            WriteVarint(value, 2 << 3 | Fixed32); // simple_value
            BinaryPrimitives.WriteSingleLittleEndian(number, (float)scalar);
            value.Write(number);
            Write(summary, 1, value.ToArray()); // value
        }
        var message = Event(time, step);
        Write(message, 5, summary.ToArray()); // summary
        return message.ToArray();
    }

    /// <summary>Puts a message into its frame.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> message)
    {
        var frame = new byte[message.Length + 16];
        BinaryPrimitives.WriteUInt64LittleEndian(frame, (ulong)message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), Mask(Crc32C(frame.AsSpan(0, 8))));
        message.CopyTo(frame.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(12 + message.Length), Mask(Crc32C(message)));
        return frame;
    }

    /// <summary>CRC-32 with Castagnoli's polynomial.</summary>
    internal static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    /// <summary>
    /// The rotation and offset that keep the checksum of data with checksums inside from degenerating.
    /// </summary>
    internal static uint Mask(uint crc) => BitOperations.RotateRight(crc, 15) + 0xa282ead8u;

    private static MemoryStream Event(DateTimeOffset time, long step)
    {
        var message = new MemoryStream();
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(number, time.ToUnixTimeMilliseconds() / 1000.0);
        WriteVarint(message, 1 << 3 | Fixed64); // wall_time
        message.Write(number);
        WriteVarint(message, 2 << 3 | Varint); // step
        WriteVarint(message, (ulong)step);
        return message;
    }

    private static void Write(MemoryStream message, uint field, ReadOnlySpan<byte> content)
    {
        WriteVarint(message, field << 3 | Bytes);
        WriteVarint(message, (ulong)content.Length);
        message.Write(content);
    }

    private static void WriteVarint(MemoryStream message, ulong value)
    {
        for (; value >= 0x80; value >>= 7) message.WriteByte((byte)(value | 0x80));
        message.WriteByte((byte)value);
    }
}
