using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Crosshead.Files;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Compiled kernels on the disk, one file per kernel, named by the hash of everything that the machine code depends on.
/// A file holds a mark, the length and the hash of the code, and the code. An incomplete file counts as absent.
/// </summary>
/// <param name="folder">The folder of the files; created with the first file.</param>
internal sealed class KernelCache(string folder)
{
    private const int LengthStart = 8, HashStart = 16, HeaderSize = HashStart + SHA256.HashSizeInBytes;

    private readonly Lock _writing = new();

    /// <summary>The cache of the user.</summary>
    public static KernelCache User { get; } = new(UserCache.Folder("kernels"));

    private static ReadOnlySpan<byte> Mark => "XHCUBIN1"u8;

    /// <summary>The machine code from the disk; otherwise compiled, and stored if the folder is writable.</summary>
    /// <param name="source">The kernel's source.</param>
    /// <param name="options">The compiler's options; they name the architecture.</param>
    /// <param name="version">The compiler's version.</param>
    /// <param name="compile">The compiler.</param>
    public byte[] Get(string source, IReadOnlyList<string> options, (int Major, int Minor) version,
        Func<byte[]> compile)
    {
        var path = Path.Combine(folder, $"{Key(source, options, version)}.cubin");
        if (Read(path) is { } kept) return kept;
        var cubin = compile();
        Write(path, cubin);
        return cubin;
    }

    // No part contains a 0, so different parts cannot join to the same text.
    private static string Key(string source, IReadOnlyList<string> options, (int Major, int Minor) version) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Join('\0', options.Prepend($"{version.Major}.{version.Minor}").Append(source)))));

    private static byte[]? Read(string path)
    {
        try
        {
            var file = File.ReadAllBytes(path).AsSpan();
            if (file.Length < HeaderSize || !file.StartsWith(Mark)) return null;
            var cubin = file[HeaderSize..];
            return BinaryPrimitives.ReadInt64LittleEndian(file[LengthStart..]) == cubin.Length
                && file[HashStart..HeaderSize].SequenceEqual(SHA256.HashData(cubin)) ? cubin.ToArray() : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // absent or unreadable: it is compiled instead
        }
    }

    private void Write(string path, byte[] cubin)
    {
        var header = new byte[HeaderSize];
        Mark.CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(LengthStart), cubin.Length);
        SHA256.HashData(cubin, header.AsSpan(HashStart));
        try
        {
            Directory.CreateDirectory(folder);
            lock (_writing) // threads of a process write aside under the same name
            {
                AtomicFile.Write(path, stream =>
                {
                    stream.Write(header);
                    stream.Write(cubin);
                });
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CrossheadException)
        {
            // A home folder that cannot be written only costs one compilation per process.
        }
    }
}
