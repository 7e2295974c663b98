using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Normalizers;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class AddedTokenMatcherTests
{
    [Fact]
    public void The_longest_token_is_found_as_by_trying_all() =>
        Gen.Select(Letters(1, 5).Array[0, 12], Letters(0, 40)).Sample((contents, text) =>
        {
            var tokens = contents.Distinct()
                .Select((content, id) => new AddedToken(id, content, Special: false)).ToArray();
            Assert.Equal(Expected(tokens, text), new AddedTokenMatcher(tokens, NormalizerSequence.None).Split(text,
                special: true).Select(piece => (text[piece.Start..piece.End], piece.Id)));
        }, iter: 2_000);

    [Fact]
    public void Many_tokens_that_begin_alike_are_found()
    {
        var tokens = Enumerable.Range(0, 100_000)
            .Select(id => new AddedToken(id, $"<extra_{id}>", Special: true)).ToArray();
        var last = Enumerable.Range(98_000, 2_000).ToArray();
        var pieces = new AddedTokenMatcher(tokens, NormalizerSequence.None)
            .Split(string.Concat(last.Select(id => $"<extra_{id}>")), special: true);
        Assert.Equal(last, pieces.Select(piece => piece.Id));
    }

    private static Gen<string> Letters(int least, int most) =>
        Gen.OneOf('a', 'b', 'c').Array[least, most].Select(letters => new string(letters));

    // Plain text between tokens, the longest of those that begin at each place.
    private static List<(string Text, int Id)> Expected(AddedToken[] tokens, string text)
    {
        var (pieces, plain) = (new List<(string, int)>(), "");
        for (var at = 0; at < text.Length;)
        {
            var found = tokens.Where(token => text.AsSpan(at).StartsWith(token.Content))
                .MaxBy(token => token.Content.Length);
            if (found is null)
            {
                plain += text[at++];
                continue;
            }
            if (plain.Length > 0) pieces.Add((plain, TextPiece.Plain));
            plain = "";
            pieces.Add((found.Content, found.Id));
            at += found.Content.Length;
        }
        if (plain.Length > 0) pieces.Add((plain, TextPiece.Plain));
        return pieces;
    }
}
