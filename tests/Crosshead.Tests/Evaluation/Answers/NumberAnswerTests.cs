using Crosshead.Evaluation.Answers;

namespace Crosshead.Tests.Evaluation.Answers;

public sealed class NumberAnswerTests
{
    [Theory]
    [InlineData("She has 3 + 4 = 7 apples.", "7")]
    [InlineData("costs $1,234.50.", "1234.50")]
    [InlineData("it fell to -12", "-12")]
    [InlineData("#### 42", "42")]
    [InlineData("5", "5")]
    [InlineData("from 3-4", "-4")]
    [InlineData("no number here", null)]
    [InlineData("", null)]
    [InlineData("$18 in all.", "18")]
    // The harness's expression takes points for a number, and so do we: scores are to be the same.
    [InlineData("The answer is 5 ...", "..")]
    [InlineData("The answer is 5...", "5..")]
    public void The_last_match_counts(string text, string? expected) => Assert.Equal(expected, NumberAnswer.Last(text));

    [Theory]
    [InlineData("1,000", "1000", true)]
    [InlineData("1000", "1000.0", true)]
    [InlineData("$1000", "1000.", true)]
    [InlineData("-0.0", "0", true)]
    [InlineData("007", "7", true)]
    [InlineData(".5", "0.50", true)]
    [InlineData("+3", "3", true)]
    [InlineData("9007199254740993", "9007199254740992", false)]
    [InlineData("0.1000000000000000000001", "0.1", false)]
    [InlineData("-5", "5", false)]
    [InlineData("5.0.1", "5.01", false)]
    [InlineData("", "0", false)]
    [InlineData("seven", "seven", true)]
    public void Numbers_are_equal_by_value(string expected, string given, bool equal)
    {
        Assert.Equal(equal, NumberAnswer.AreEqual(expected, given));
        Assert.Equal(equal, NumberAnswer.AreEqual(given, expected));
    }
}
