using Crosshead.Evaluation.Answers;

namespace Crosshead.Tests.Evaluation.Answers;

public sealed class MathAnswerTests
{
    public static TheoryData<string, string> EqualPairs => Pairs(MathAnswerPairs.Equal);

    public static TheoryData<string, string> UnequalPairs => Pairs(MathAnswerPairs.Unequal);

    [Theory]
    [MemberData(nameof(EqualPairs))]
    public void Equal_answers(string expected, string given) =>
        Assert.True(MathAnswer.AreEqual(expected, given) && MathAnswer.AreEqual(given, expected));

    [Theory]
    [MemberData(nameof(UnequalPairs))]
    public void Unequal_answers(string expected, string given) =>
        Assert.False(MathAnswer.AreEqual(expected, given) || MathAnswer.AreEqual(given, expected));

    [Theory]
    [InlineData("", "")]
    [InlineData("", "5")]
    [InlineData("$ $", @"\,")]
    public void An_empty_answer_equals_nothing(string expected, string given) =>
        Assert.False(MathAnswer.AreEqual(expected, given));

    private static TheoryData<string, string> Pairs(string lines)
    {
        var data = new TheoryData<string, string>();
        foreach (var line in lines.Split('\n'))
            if (line.Split(" ¦ ") is [var left, var right]) data.Add(left, right.Trim());
        return data;
    }
}
