using Crosshead.Text.Tokenizers.Normalizers;

namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>How the tokens of a <see cref="Models.CharacterModel"/> become text again.</summary>
internal sealed record TextDecoding
{
    /// <summary>What each token's text is changed by, such as ▁ to a space.</summary>
    public IReadOnlyList<ReplaceNormalizer> Replacements { get; init; } = [];

    /// <summary>Whether tokens such as <c>&lt;0x0A&gt;</c> are bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>How many spaces at the start of the text are left out.</summary>
    public int StripStart { get; init; }

    /// <summary>The character that the first token loses wherever it is in it, as a Metaspace decoder has it.</summary>
    public char? DroppedFromFirst { get; init; }
}
