using System.Globalization;
using System.Text.Json;
using Crosshead.Evaluation.Answers;
using Crosshead.Tests.Text.Tokenizers;
using CsCheck;

namespace Crosshead.Tests.Evaluation.Answers;

public sealed class MathAnswerPropertyTests
{
    private static readonly Gen<string> s_garbage = TextGen.OneOf(
        "{", "}", "(", ")", "[", "]", "^", "_", "-", "+", "\\", "\\\\", "|", "!", "%", "&", ",", "=", "<", "1", "9",
        ".5", "x", "e", "i", " ", "°", "\\frac", "\\sqrt", "\\sqrt[", "\\left", "\\{", "\\}",
        "\\begin{pmatrix}", "\\end{pmatrix}", "\\text{", "\\pm", "\\cup", "\\sin", "\\log_", "\\binom", "\\infty",
        "\\lfloor", "\\rfloor", "99999", "^{99", "!!", "\\overline{", "\ud83d", "\0").Array[0, 60]
            .Select(string.Concat);

    [Theory]
    [InlineData("math500", "test.jsonl", "answer")]
    [InlineData("aime2025", "test.jsonl", "answer")]
    [InlineData("olymmath", "OlymMATH-EN-EASY.jsonl", "answer")]
    [InlineData("olymmath", "OlymMATH-EN-HARD.jsonl", "answer")]
    [InlineData("olympiadbench", "OE_maths_en_675.jsonl", "final_answer")]
    public void Every_right_answer_of_the_benchmarks_equals_itself_in_display_style(string folder,
        string file, string field)
    {
        var answers = Answers(folder, file, field);
        Assert.NotEmpty(answers);
        Assert.All(answers, answer =>
        {
            Assert.True(MathAnswer.AreEqual(answer, answer), answer);
            // Written with other spaces, fractions and brackets, an answer takes another way through.
            var other = "$ " + answer.Replace(@"\frac", @"\dfrac", StringComparison.Ordinal)
                .Replace("+", " + ", StringComparison.Ordinal) + " $.";
            Assert.True(MathAnswer.AreEqual(answer, other), other);
        });
    }

    [Fact]
    public void Nearly_every_right_answer_is_read_as_mathematics_or_words()
    {
        var unread = ((string, string, string)[])[("math500", "test.jsonl", "answer"),
            ("olymmath", "OlymMATH-EN-EASY.jsonl", "answer"), ("olymmath", "OlymMATH-EN-HARD.jsonl", "answer"),
            ("olympiadbench", "OE_maths_en_675.jsonl", "final_answer")];
        var failed = unread.SelectMany(source => Answers(source.Item1, source.Item2, source.Item3))
            .Where(answer => MathParser.Parse(MathTokenizer.Read(answer)) is null).ToArray();
        foreach (var answer in failed) TestContext.Current.SendDiagnosticMessage(answer);
        Assert.True(failed.Length <= 2, string.Join(" ¦ ", failed));
    }

    [Fact]
    public void Different_answers_of_MATH_are_equal_only_where_they_are_mathematically()
    {
        var answers = Answers("math500", "test.jsonl", "answer").Distinct().ToArray();
        var equal = answers.SelectMany((a, i) => answers.Skip(i + 1).Where(b => MathAnswer.AreEqual(a, b))
            .Select(b => a + " ¦ " + b)).Order(StringComparer.Ordinal).ToArray();
        // Read by hand: other spellings, and the units, names and brackets that graders leave out of account.
        string[] known =
        [
            "(-2,1) ¦ -2,1", "1,-2 ¦ -2,1", @"10,\!080 ¦ 10080", @"120^\circ ¦ 120", @"15 ¦ 15\mbox{ cm}^2",
            @"2 \sqrt{5} ¦ 2\sqrt{5}", @"30^\circ ¦ 30",
            @"36 ¦ 36^\circ", @"36 ¦ \$36", @"36^\circ ¦ \$36", "5 ¦ x=5", @"90^\circ ¦ 90", @"\frac{1}{4} ¦ \frac14",
        ];
        Assert.Equal(known, equal);
    }

    [Fact]
    public void Different_answers_of_the_olympiads_are_seldom_equal()
    {
        string[] answers = [.. Answers("olympiadbench", "OE_maths_en_675.jsonl", "final_answer"),
            .. Answers("olymmath", "OlymMATH-EN-EASY.jsonl", "answer"),
            .. Answers("olymmath", "OlymMATH-EN-HARD.jsonl", "answer"), .. Answers("aime2025", "test.jsonl", "answer")];
        answers = [.. answers.Distinct()];
        var equal = answers.SelectMany(
            (a, i) => answers.Skip(i + 1).Where(b => MathAnswer.AreEqual(a, b)).Select(b => a + " ¦ " + b)).ToArray();
        // Read by hand: dollar signs, spaces, degrees, percent signs, names and one order of a list.
        Assert.True(equal.Length == 21, $"{equal.Length}\n{string.Join("\n", equal)}");
    }

    [Theory]
    [InlineData(@"\begin{array}{cc")]
    [InlineData(@"\begin{pmatrix")]
    [InlineData(@"\begin{pmatrix} 1 & 2")]
    [InlineData(@"x_{1")]
    [InlineData(@"\frac1")]
    public void An_answer_that_ends_too_early_is_not_mathematics(string answer) =>
        Assert.Null(MathParser.Parse(MathTokenizer.Read(answer)));

    [Fact]
    public void A_fraction_equals_its_finite_decimals() =>
        Gen.Select(Gen.Int[-5_000, 5_000], Gen.Int[0, 4], Gen.Int[0, 4]).Sample((p, twos, fives) =>
        {
            var q = (int)(Math.Pow(2, twos) * Math.Pow(5, fives));
            var number = ((decimal)p / q).ToString(CultureInfo.InvariantCulture);
            return MathAnswer.AreEqual($@"\frac{{{p}}}{{{q}}}", number) && MathAnswer.AreEqual(number, $"{p}/{q}");
        }, iter: 1_000);

    [Fact]
    public void Fractions_are_equal_where_their_cross_products_are() =>
        Gen.Select(Gen.Int[-60, 60], Gen.Int[1, 60], Gen.Int[-60, 60], Gen.Int[1, 60]).Sample((a, b, c, d) =>
            MathAnswer.AreEqual($@"\frac{{{a}}}{{{b}}}", $"{c}/{d}") == (a * d == b * c), iter: 3_000);

    [Fact]
    public void A_polynomial_equals_its_factors_and_no_neighbour() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 9], Gen.Int[1, 9]).Sample((a, b, c, d) =>
            MathAnswer.AreEqual($"({a}x+{b})({c}x-{d})", $"{a * c}x^2 + {b * c}x - {a * d}x - {b * d}")
            && !MathAnswer.AreEqual($"({a}x+{b})({c}x-{d})", $"{a * c}x^2 + {b * c}x - {a * d}x - {b * d + 1}"),
                iter: 300);

    [Fact]
    public void Any_text_gets_a_verdict_the_same_both_ways() =>
        Gen.Select(s_garbage, s_garbage)
        .Sample((a, b) => MathAnswer.AreEqual(a, b) == MathAnswer.AreEqual(b, a), iter: 5_000);

    [Fact]
    public void Any_characters_get_a_verdict() =>
        Gen.String.Sample(text => MathAnswer.AreEqual(text, "x^2 + 1") || true, iter: 2_000);

    public static TheoryData<string> Hostile => new(
        "9^{9^{9^9}}", "2^{65000}+" + string.Concat(Enumerable.Repeat("3^{40000}+", 150)) + "1",
        string.Concat(Enumerable.Repeat("2200!*", 300)) + "1",
        new string('{', 10_000), new string('(', 1_990), new string('-', 1_990) + "1", "x" + new string('!', 1_990),
        string.Concat(Enumerable.Repeat(@"\frac", 390)),
        string.Concat(Enumerable.Repeat(@"\sin", 490)) + "x", string.Concat(Enumerable.Repeat("x^{", 600)),
        string.Concat(Enumerable.Repeat(@"\text{", 320)), string.Concat(Enumerable.Repeat(@"\mathbf{", 240)),
        string.Concat(Enumerable.Repeat("1,", 990)), string.Concat(Enumerable.Repeat(@"\pm1", 480)), "1e999999999",
        "10^{1000000000000}", @"\sqrt[999999999]{2}", @"\sqrt[1/7]{9^{60000}}", new string('9', 1_990) + "!",
        string.Concat(Enumerable.Repeat("|", 1_990)), string.Concat(Enumerable.Repeat("x=", 990)) + "1",
        @"\binom{10^{9}}{5}", string.Concat(Enumerable.Repeat("(x+1/97)^{99}", 140)));

    [Theory]
    [MemberData(nameof(Hostile))]
    public Task Hostile_answers_end(string answer) => Task.Run(() =>
        MathAnswer.AreEqual(answer, answer + "+0") | MathAnswer.AreEqual("7+x", answer) | MathAnswer.AreEqual(
        answer + "+1", answer)).WaitAsync(TimeSpan.FromMinutes(5));

    private static string[] Answers(string folder, string file, string field) =>
        [.. File.ReadLines(SharedData.Path("data", "eval", folder, file))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty(field))
            .Select(value => value.ValueKind == JsonValueKind.Array ? value[0].GetString()! : value.ToString())];
}
