using System.Text;
using Crosshead.Text.Tokenizers.Expressions;

namespace Crosshead.Text.Tokenizers.Normalizers;

/// <summary>Replaces every match of a regular expression, in Oniguruma's syntax, by a text.</summary>
internal sealed record ExpressionNormalizer(string Expression, string Replacement) : INormalizer
{
    public string? Normalize(ReadOnlySpan<char> text)
    {
        var matches = ExpressionMatches.Of(Expression, text);
        if (matches.Count == 0) return null;
        var result = new StringBuilder(text.Length);
        var done = 0;
        foreach (var (start, end) in matches)
        {
            result.Append(text[done..start]).Append(Replacement);
            done = end;
        }
        return result.Append(text[done..]).ToString();
    }
}
