using System.Text;

namespace Crosshead.Cli;

/// <summary>A UTF-8 text file, whole or its beginning.</summary>
internal static class TextFile
{
    /// <summary>Reads at most so many bytes, to a whole character.</summary>
    /// <exception cref="CrossheadException">The file is missing, empty, or no UTF-8 text.</exception>
    public static string Read(string path, int mostBytes = int.MaxValue)
    {
        if (!File.Exists(path))
            throw new CrossheadException($"the text \"{path}\" does not exist; name a UTF-8 text file.");
        using var file = File.OpenRead(path);
        var bytes = new byte[(int)Math.Min(file.Length, mostBytes)];
        file.ReadExactly(bytes);
        var whole = bytes.Length < file.Length ? WholeCharacters(bytes) : bytes.Length;
        if (whole == 0)
            throw new CrossheadException($"the text \"{path}\" is empty{(file.Length > 0 ? $" within {mostBytes} bytes; raise --max-bytes" : "; name a text that is not")}.");
        try
        {
            var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, whole);
            if (!text.Contains('\0', StringComparison.Ordinal))
                return text;
        }
        catch (DecoderFallbackException)
        {
        }
        throw new CrossheadException($"\"{path}\" is no UTF-8 text; convert it, or name another file.");
    }

    // How many of the bytes are whole characters: the last one may have been cut.
    private static int WholeCharacters(ReadOnlySpan<byte> bytes)
    {
        var start = bytes.Length - 1;
        while (start > 0 && bytes.Length - start < 4 && (bytes[start] & 0xC0) == 0x80)
            start--;
        var length = bytes[start] switch { < 0x80 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 };
        return start + length <= bytes.Length ? start + length : start;
    }
}
