using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>How the tokens of a <see cref="Models.CharacterModel"/> become text again.</summary>
internal sealed record TextDecoding
{
    /// <summary>Changes the text of each token, such as ▁ to a space.</summary>
    public IReadOnlyList<ReplaceNormalizer> Replacements { get; init; } = [];

    /// <summary>Whether tokens such as <c>&lt;0x0A&gt;</c> are bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Number of spaces that are removed from the start of the text.</summary>
    public int StripStart { get; init; }

    /// <summary>
    /// A character that is removed from the first token wherever it occurs there, as in a Metaspace decoder.
    /// </summary>
    public char? DroppedFromFirst { get; init; }
}
