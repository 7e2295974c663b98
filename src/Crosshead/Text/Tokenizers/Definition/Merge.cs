namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// Two neighbouring tokens that become one. A tokenizer has hundreds of thousands of merges, and each takes 12 bytes; a
/// tuple of three numbers takes 16.
/// </summary>
/// <param name="Left">The id of the first token; -1 if there is none.</param>
/// <param name="Right">The id of the token after it, or -1.</param>
/// <param name="Id">The id of the token that they become, or -1.</param>
internal readonly record struct Merge(int Left, int Right, int Id)
{
    /// <summary>Whether all three tokens exist.</summary>
    public bool IsWhole => (Left | Right | Id) >= 0;
}
