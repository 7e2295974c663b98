using Crosshead.Generation;

namespace Crosshead.Tests.Generation;

/// <summary>One letter a token.</summary>
internal sealed class LetterCodec : ITextCodec, ITextStream
{
    /// <summary>Ids below this are tokens.</summary>
    public int Size { get; init; } = int.MaxValue;

    /// <summary>An id below that which is none.</summary>
    public int Unknown { get; init; } = -1;

    public static string Text(IEnumerable<int> ids) => string.Concat(ids.Select(i => (char)('A' + i)));

    public IReadOnlyList<int> Encode(string text) => [.. text.Select(c => c - 'A')];

    public bool IsToken(int id) => id != Unknown && id < Size;

    public ITextStream CreateStream(bool skipsSpecialTokens = true) => this;

    public string Push(int id) => ((char)('A' + id)).ToString();

    public string Finish() => "";
}
