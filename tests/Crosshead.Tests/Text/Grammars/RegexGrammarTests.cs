using System.Text.RegularExpressions;
using Crosshead.Text.Grammars;

namespace Crosshead.Tests.Text.Grammars;

public sealed class RegexGrammarTests
{
    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("a|bc|", "abc")]
    [InlineData("(a|b)*c+?", "abc")]
    [InlineData("a{2}b{1,3}c{2,}", "abc")]
    [InlineData("a{,2}|{}|a{x", "a{,2}x")]
    [InlineData("^(?:ab?)+$|^c$", "abc")]
    [InlineData("[a-c\\d_-]+", "abcd09_-")]
    [InlineData("[^a-c\\]]*", "abcdé]😀")]
    [InlineData("\\d+\\.\\d{2}", "01.")]
    [InlineData("\\w+@\\w+", "ab@_é")]
    [InlineData("\\S\\s\\D\\W", "a1 .")]
    [InlineData(".\\x41\\u00e9\\n", "aAé\n")]
    [InlineData("é+[è-ê]|[α-ω](?:😀)?", "éèêα😀")]
    [InlineData("(a?){5}a{5}", "a")]
    [InlineData("()*(a|())b", "ab")]
    public void Texts_match_as_elsewhere(string pattern, string letters)
    {
        var grammar = Grammar.Regex(pattern);
        // The group keeps alternatives together. "\z" and not "$", which may stand before a line break.
        var other = new Regex($@"\A(?:{pattern.Replace("$", "")})\z", RegexOptions.CultureInvariant);
        var (random, runes) = (new Random(1), letters.EnumerateRunes().ToArray());
        var matches = 0;
        for (var round = 0; round < 2000; round++)
        {
            var text = string.Concat(random.GetItems(runes, random.Next(0, 11)));
            if (pattern.Contains("\\w", StringComparison.Ordinal) && text.Contains('é')) continue; // not ASCII
            // .NET counts an emoji as two characters.
            if (pattern.Contains("[^", StringComparison.Ordinal) && text.Contains("😀", StringComparison.Ordinal))
                continue;
            var expected = other.IsMatch(text);
            Assert.True(expected == grammar.Accepts(text), $"{pattern} {text}");
            matches += expected ? 1 : 0;
        }
        Assert.True(matches > 0 || pattern.Contains("x41", StringComparison.Ordinal));
    }

    [Fact]
    public void Characters_are_whole()
    {
        Assert.True(Grammar.Regex("[^a]").Accepts("😀"));
        Assert.True(Grammar.Regex("..").Accepts("é😀"));
        Assert.False(Grammar.Regex(".").Accepts("\n"));
        Assert.False(Grammar.Regex("\\w").Accepts("é"));
        Assert.Null(Grammar.Regex(".").Begin.Next([0xED, 0xA0])); // half of a surrogate pair
        Assert.Null(Grammar.Regex(".").Begin.Next([0xC0]));       // never in UTF-8
        Assert.Null(Grammar.Regex(".").Begin.Next([0xFF]));
    }

    [Theory]
    [InlineData("a**", "a quantifier after a quantifier")]
    [InlineData("*a", "a \"*\" that repeats nothing")]
    [InlineData("(a", "a \"(\" without \")\"")]
    [InlineData("a)", "a \")\" without its beginning")]
    [InlineData("[a", "a \"[\" without \"]\"")]
    [InlineData("[b-a]", "a range that ends before it begins")]
    [InlineData("[^\\s\\S]", "a class without characters")]
    [InlineData("a\\", "ends with \"\\\"")]
    [InlineData("\\1", "the escape \"\\1\"")]
    [InlineData("\\bword", "the escape \"\\b\"")]
    [InlineData("\\p{L}", "the escape \"\\p\"")]
    [InlineData("\\u12", "needs 4 hexadecimal digits")]
    [InlineData("(?<=a)b", "a group \"(?…\" of a kind that is not supported")]
    [InlineData("a^b", "an anchor in its middle")]
    [InlineData("(a$)", "an anchor in its middle")]
    [InlineData("a{3,2}", "numbers are in the wrong order")]
    [InlineData("a{9999999999}", "repeats more than")]
    public void What_is_not_supported_is_refused(string pattern, string message) => Assert.Contains(message,
        Assert.Throws<CrossheadException>(() => Grammar.Regex(pattern)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_choice_is_one_of_its_texts()
    {
        var grammar = Grammar.Choice(["yes", "no", "yes, but", "日本"]);
        foreach (var text in (string[])["yes", "no", "yes, but", "日本"]) Assert.True(grammar.Accepts(text));
        foreach (var text in (string[])["", "y", "yes,", "日", "maybe", "yesno"]) Assert.False(grammar.Accepts(text));
        Assert.Throws<CrossheadException>(() => Grammar.Choice([]));
        Assert.Throws<CrossheadException>(() => Grammar.Choice(["a", ""]));
    }
}
