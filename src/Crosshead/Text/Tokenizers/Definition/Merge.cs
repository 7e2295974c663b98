namespace Crosshead.Text.Tokenizers.Definition;

/// <summary>
/// Two neighbouring tokens that become one. A tokenizer has hundreds of thousands of merges, so three ids take 8 bytes:
/// a tuple of three numbers takes 16.
/// </summary>
internal readonly record struct Merge
{
    /// <summary>The largest id.</summary>
    public const int LargestId = (1 << Bits) - 2;

    private const int Bits = 21;
    private const ulong Mask = (1UL << Bits) - 1;

    private readonly ulong _ids; // each plus one, so that 0 stands for none

    /// <summary>A merge.</summary>
    /// <param name="left">The id of the first token; -1 if there is none.</param>
    /// <param name="right">The id of the token after it, or -1.</param>
    /// <param name="id">The id of the token that they become, or -1.</param>
    /// <exception cref="CrossheadException">An id is over <see cref="LargestId"/>.</exception>
    public Merge(int left, int right, int id)
    {
        var (first, second, joined) = ((uint)(left + 1), (uint)(right + 1), (uint)(id + 1));
        if ((first | second | joined) > Mask) throw TooLarge(left, right, id);
        _ids = ((ulong)first << (2 * Bits)) | ((ulong)second << Bits) | joined;
    }

    /// <summary>The id of the first token, or -1.</summary>
    public int Left => (int)(_ids >> (2 * Bits)) - 1;

    /// <summary>The id of the token after it, or -1.</summary>
    public int Right => (int)((_ids >> Bits) & Mask) - 1;

    /// <summary>The id of the token that they become, or -1.</summary>
    public int Id => (int)(_ids & Mask) - 1;

    /// <summary>Whether all three tokens exist.</summary>
    public bool IsWhole => (Left | Right | Id) >= 0;

    /// <summary>The three ids.</summary>
    public void Deconstruct(out int left, out int right, out int id) => (left, right, id) = (Left, Right, Id);

    private static CrossheadException TooLarge(int left, int right, int id) => new(
        $"the tokens {left} and {right} are merged to {id}; ids in merges are at most {LargestId}; use a tokenizer "
        + "with fewer tokens.");
}
