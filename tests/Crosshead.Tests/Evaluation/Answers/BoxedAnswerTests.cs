using Crosshead.Evaluation.Answers;

namespace Crosshead.Tests.Evaluation.Answers;

public sealed class BoxedAnswerTests
{
    [Theory]
    [InlineData(@"so \boxed{5}.", "5")]
    [InlineData(@"\boxed{1} and then $\boxed{2}$", "2")]
    [InlineData(@"\boxed{\frac{1}{2}}", @"\frac{1}{2}")]
    [InlineData(@"\boxed{\left\{1,2\right\}}", @"\left\{1,2\right\}")]
    [InlineData(@"\boxed{\left\{ x \right.}", @"\left\{ x \right.")]
    [InlineData(@"\boxed{a \\ {b}}", @"a \\ {b}")]
    [InlineData(@"\boxed {7}", "7")]
    [InlineData(@"$\boxed 5$ is it", "5")]
    [InlineData("\\boxed 5\nnext", "5")]
    [InlineData(@"\fbox{9}", "9")]
    [InlineData(@"\boxed{8} \fbox{9}", "8")]
    [InlineData(@"\boxed{ 3 }", "3")]
    [InlineData(@"\boxed{}", "")]
    [InlineData("the answer is 5", null)]
    [InlineData("", null)]
    [InlineData(@"\boxed{1} but \boxed{2", null)]
    [InlineData(@"\boxed", null)]
    [InlineData(@"\boxedx{1}", null)]
    public void The_last_box_counts(string text, string? expected) => Assert.Equal(expected, BoxedAnswer.Last(text));

    [Fact]
    public void Many_braces_take_no_time() => Assert.Null(BoxedAnswer.Last(@"\boxed" + new string('{', 1_000_000)));
}
