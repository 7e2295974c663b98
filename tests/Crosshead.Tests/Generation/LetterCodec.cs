using Crosshead.Generation;

namespace Crosshead.Tests.Generation;

/// <summary>One letter a token.</summary>
internal sealed class LetterCodec : ITextCodec, ITextStream
{
    public static string Text(IEnumerable<int> ids) => string.Concat(ids.Select(i => (char)('A' + i)));

    public IReadOnlyList<int> Encode(string text) => [.. text.Select(c => c - 'A')];

    public ITextStream CreateStream() => this;

    public string Push(int id) => Text([id]);

    public string Finish() => "";
}
