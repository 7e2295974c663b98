using Crosshead.Text.Tokenizers.Expressions;

namespace Crosshead.Tests.Text.Tokenizers;

public sealed class OnigurumaExpressionTests
{
    [Theory]
    [InlineData(@"\w+", @"\w+")]
    [InlineData(@"\bx", @"\bx")]
    [InlineData(@"a|\p{Han}", @"\p{Han}")]
    [InlineData(@"[a-z&&[^x]]", @"[a-z&&[^x]]")]
    [InlineData(@"[[:alpha:]]", @"[[:alpha:]]")]
    [InlineData(@"(?<x>a)", @"(?<x>a)")]
    [InlineData(@"(a+)+", @"(a+)+")]
    [InlineData(@"(?:a*b){2,}", @"(?:a*b){2,}")]
    [InlineData(@"a{2}+", @"a{2}+")]
    [InlineData(@"(?i:[a-f])", @"[a-f])")]
    [InlineData("(a", "(a")]
    [InlineData("a)", ")")]
    [InlineData("[a", "[a")]
    [InlineData("[]", "[]")]
    [InlineData("*", "*")]
    [InlineData("a\\", "\\")]
    [InlineData("\ud83d\ude00", "\ud83d\ude00")]
    public void What_may_mean_something_else_is_refused(string expression, string part) =>
        Assert.Equal(part, OnigurumaExpression.Unsupported(expression));

    [Theory]
    [InlineData(@"(?i:'s|k)", "x'S 'ſ K \u212A", "'S,'ſ,K,\u212A")]
    [InlineData(@"\p{Lu}+", "aBC𝒜𐐀b", "BC𝒜𐐀")]
    [InlineData(@"[^\p{L}]", "a😀b", "😀")]
    [InlineData(@".", "a\n😀", "a,😀")]
    [InlineData(@"\s+$", "a \n b ", " , ")]
    [InlineData(@"^\s", " a\n b\n", " , ")]
    [InlineData(@"a?+a|b", "ab", "b")]
    [InlineData(@"\d\D", "1٣x", "٣x")]
    [InlineData(@"[\]\-a]{2,3}", "]-a-]", "]-a,-]")]
    [InlineData(@"\P{L}\p{^N}", "1a", "1a")]
    public void Matches_are_those_of_characters(string expression, string text, string matches) =>
        Assert.Equal(matches, string.Join(',', ExpressionMatches.Of(expression, text).Select(
            match => text[match.Start..match.End])));
}
