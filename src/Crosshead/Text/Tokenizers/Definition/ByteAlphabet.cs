namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// GPT-2's alphabet: each of the 256 bytes written as one printable character, so that a vocabulary of byte
/// strings can live in JSON. Bytes that print in Latin-1 stand for themselves, the others take U+0100 and up
/// in order; a space is therefore written Ġ.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Build();
    private static readonly short[] Bytes = Invert();

    /// <summary>The character that stands for <paramref name="value"/>.</summary>
    public static char CharacterOf(byte value) => Characters[value];

    /// <summary>The bytes of a token's characters, or null if a character is not in the alphabet.</summary>
    public static byte[]? BytesOf(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (token[i] >= Bytes.Length || Bytes[token[i]] < 0)
                return null;
            bytes[i] = (byte)Bytes[token[i]];
        }
        return bytes;
    }

    /// <summary>The token that stands for <paramref name="bytes"/>.</summary>
    public static string TokenOf(ReadOnlySpan<byte> bytes)
    {
        var characters = new char[bytes.Length];
        for (var i = 0; i < characters.Length; i++)
            characters[i] = Characters[bytes[i]];
        return new string(characters);
    }

    private static char[] Build()
    {
        var characters = new char[256];
        var next = 256;
        for (var b = 0; b < 256; b++)
            characters[b] = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)next++;
        return characters;
    }

    private static short[] Invert()
    {
        var bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var b = 0; b < 256; b++)
            bytes[Characters[b]] = (short)b;
        return bytes;
    }
}
