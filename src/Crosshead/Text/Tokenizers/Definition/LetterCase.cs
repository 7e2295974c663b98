namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>Where in a word a character can be. Letters without case, and marks, can be in both places.</summary>
[Flags]
internal enum LetterCase : byte
{
    /// <summary>It is no part of a word.</summary>
    None = 0,

    /// <summary>Among the capitals that begin a word.</summary>
    Capital = 1,

    /// <summary>Among the small letters after them.</summary>
    Small = 2,
}
