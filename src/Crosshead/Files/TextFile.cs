using System.Text;

namespace Crosshead.Files;

/// <summary>
/// Plain text in UTF-8, for every reader. A byte order mark at the start is not part of the text. Other encodings are
/// refused.
/// </summary>
public static class TextFile
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true);

    /// <summary>Number of bytes of the mark at the start of a text; 0 if there is none.</summary>
    /// <param name="head">The first bytes of a file, 3 if the file has so many.</param>
    /// <param name="name">What an error calls the file.</param>
    /// <exception cref="CrossheadException">The mark is UTF-16's.</exception>
    internal static int MarkLength(ReadOnlySpan<byte> head, string name)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            throw new CrossheadException($"{name} is UTF-16 text; convert it to UTF-8 first.");
        return head.StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
    }

    /// <summary>The text without its mark, for a text of characters.</summary>
    public static string WithoutMark(string text) => text.StartsWith('\uFEFF') ? text[1..] : text;

    /// <summary>Reads a file up to a number of bytes, and ends with a whole character.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mostBytes">Maximum number of bytes of the text.</param>
    /// <exception cref="CrossheadException">The file is missing, empty, cannot be read, or is not UTF-8
    /// text.</exception>
    public static string Read(string path, int mostBytes = int.MaxValue) =>
        Decode(path, mostBytes, out var length) is { Length: > 0 } text
        ? text
        : throw new CrossheadException($"the text \"{path}\" is "
            + $"empty{(length > 0 ? $" within {mostBytes} bytes; read more of it" : "; name a text that is not")}.");

    /// <summary>The lines of a file, without their ends; of an empty file one, which is empty.</summary>
    /// <exception cref="CrossheadException">The file is missing, cannot be read, or is not UTF-8 text.</exception>
    public static string[] ReadLines(string path) =>
        Decode(path, int.MaxValue, out _).ReplaceLineEndings("\n").Split('\n');

    private static string Decode(string path, int mostBytes, out long length)
    {
        if (!File.Exists(path))
            throw new CrossheadException(
                $"the text \"{path}\" {InputFile.Absence(path)}; name a UTF-8 text file.");
        try
        {
            using var file = Open(path, out length);
            var bytes = new byte[(int)Math.Min(length, Math.Min(mostBytes, Array.MaxLength))];
            file.ReadExactly(bytes);
            var whole = bytes.Length < length ? WholeCharacters(bytes) : bytes.Length;
            var text = s_strict.GetString(bytes, 0, whole);
            if (!text.Contains('\0', StringComparison.Ordinal))
                return text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"the text \"{path}\" cannot be read: {e.Reason()}; make it readable, "
                + "or name another file.", e);
        }
        catch (DecoderFallbackException)
        {
        }
        throw new CrossheadException($"\"{path}\" is no UTF-8 text; convert it, or name another file.");
    }

    /// <summary>Opens a file after its mark.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <exception cref="CrossheadException">It is UTF-16 text, or no file.</exception>
    internal static FileStream Open(string path, out long length)
    {
        var file = File.OpenRead(InputFile.Regular(path, "save the text to a file and name that"));
        try
        {
            Span<byte> head = stackalloc byte[3];
            file.Position = MarkLength(head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)], path);
            length = file.Length - file.Position;
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // Number of bytes of whole characters: the last character may have been cut.
    private static int WholeCharacters(ReadOnlySpan<byte> bytes)
    {
        var start = bytes.Length - 1;
        while (start > 0 && bytes.Length - start < 4 && (bytes[start] & 0xC0) == 0x80)
            start--;
        if (start < 0) return 0;
        var length = bytes[start] switch { < 0x80 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 };
        return start + length <= bytes.Length ? start + length : start;
    }
}
