using System.Buffers.Binary;
using System.Text;

namespace Crosshead.Tests.Checkpoints.Safetensors;

/// <summary>Writes safetensors files byte by byte, valid or not.</summary>
internal static class RawSafetensors
{
    public static byte[] Bytes(string header, byte[] data) => Bytes(Encoding.UTF8.GetBytes(header), data);

    public static byte[] Bytes(byte[] header, byte[] data)
    {
        var bytes = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        header.CopyTo(bytes, 8);
        data.CopyTo(bytes, 8 + header.Length);
        return bytes;
    }

    public static string Write(TemporaryFolder folder, string header, params byte[] data)
    {
        var path = folder.File("x.safetensors");
        File.WriteAllBytes(path, Bytes(header, data));
        return path;
    }
}
