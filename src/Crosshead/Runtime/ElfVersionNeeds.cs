using System.Buffers.Binary;
using System.Text;

namespace Crosshead.Runtime;

/// <summary>
/// Reads the version needs of a 64-bit little-endian ELF shared library (section <c>.gnu.version_r</c>) and marks one
/// of them weak, so that the loader accepts a system library that lacks that version.
/// Structure: System V ABI, "Symbol Versioning" (Elf64_Verneed, Elf64_Vernaux).
/// </summary>
internal static class ElfVersionNeeds
{
    private const ushort WeakFlag = 0x2; // VER_FLG_WEAK
    // DT_STRTAB, DT_VERNEED, DT_VERNEEDNUM
    private const long DynamicStrings = 5, VersionNeeds = 0x6ffffffe, VersionNeedCount = 0x6fffffff;

    /// <summary>Returns <paramref name="image"/> with every need of <paramref name="version"/> marked weak.</summary>
    /// <exception cref="CrossheadException">The bytes are not such a library.</exception>
    public static byte[] WithWeakNeed(byte[] image, string version)
    {
        try
        {
            return Mark(image, version);
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new CrossheadException(
                "the library is truncated: its ELF headers point past its end; restore the package again.", e);
        }
    }

    private static byte[] Mark(byte[] image, string version)
    {
        if (image.Length < 64 || !image.AsSpan(0, 6).SequenceEqual<byte>([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
            throw new CrossheadException(
                "the library is not a 64-bit little-endian ELF file; restore the package again.");

        var segments = ReadSegments(image);
        var dynamic = ReadDynamic(image, segments);
        if (!dynamic.TryGetValue(VersionNeeds, out var needs)) return image;

        var strings = FileOffset(segments, dynamic[DynamicStrings]);
        var need = FileOffset(segments, needs);
        for (var n = 0L; n < dynamic[VersionNeedCount]; n++)
        {
            var count = U16(image, need + 2);
            var entry = need + U32(image, need + 8);
            for (var i = 0; i < count; i++)
            {
                if (Name(image, strings + U32(image, entry + 8)) == version)
                {
                    var flags = image.AsSpan((int)entry + 4, 2);
                    BinaryPrimitives.WriteUInt16LittleEndian(flags,
                        (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | WeakFlag));
                }
                entry += U32(image, entry + 12);
            }
            need += U32(image, need + 12);
        }
        return image;
    }

    private readonly record struct Segment(uint Type, long Offset, long Address, long Size);

    private static List<Segment> ReadSegments(byte[] image)
    {
        var (table, size, count) = (I64(image, 32), U16(image, 54), U16(image, 56));
        return [.. Enumerable.Range(0, count).Select(i => table + (i * size))
            .Select(at => new Segment(U32(image, at), I64(image, at + 8), I64(image, at + 16), I64(image, at + 32)))];
    }

    private static Dictionary<long, long> ReadDynamic(byte[] image, List<Segment> segments)
    {
        var entries = new Dictionary<long, long>();
        var dynamic = segments.Find(s => s.Type == 2); // PT_DYNAMIC
        for (var at = dynamic.Offset; at < dynamic.Offset + dynamic.Size; at += 16)
            entries[I64(image, at)] = I64(image, at + 8);
        return entries;
    }

    private static long FileOffset(List<Segment> segments, long address)
    {
        // PT_LOAD
        var segment = segments.Find(s => s.Type == 1 && address >= s.Address && address < s.Address + s.Size);
        return address - segment.Address + segment.Offset;
    }

    private static string Name(byte[] image, long offset)
    {
        var text = image.AsSpan((int)offset);
        return Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]);
    }

    private static ushort U16(byte[] image, long at) =>
        BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan((int)at, 2));

    private static uint U32(byte[] image, long at) => BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan((int)at, 4));

    private static long I64(byte[] image, long at) => BinaryPrimitives.ReadInt64LittleEndian(image.AsSpan((int)at, 8));
}
