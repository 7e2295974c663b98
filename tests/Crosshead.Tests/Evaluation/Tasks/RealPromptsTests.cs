using Crosshead.Evaluation.Tasks;

namespace Crosshead.Tests.Evaluation.Tasks;

/// <summary>The text that a model reads first, of every task whose real rows are at hand.</summary>
public sealed class RealPromptsTests
{
    private const string Boxed = "\nPlease reason step by step, and put your final answer within \\boxed{}.";

    [Theory]
    [InlineData("mmlu", 14042, 0)]
    [InlineData("mmlu_pro", 12032, 0)]
    [InlineData("gsm8k", 1319, 5)]
    [InlineData("math500", 500, 0)]
    [InlineData("aime2025", 30, 0)]
    [InlineData("olymmath_easy", 100, 0)]
    [InlineData("olymmath_hard", 100, 0)]
    [InlineData("olympiadbench", 675, 0)]
    [InlineData("supergpqa", 300, 0)]
    [InlineData("medxpertqa", 244, 0)]
    public void Every_row_becomes_a_sample(string name, int count, int shots)
    {
        var data = Load(name, shots);
        Assert.Equal(count, data.Samples.Count);
        Assert.Equal(Enumerable.Range(0, count), data.Samples.Select(s => s.Row));
        Assert.All(data.Samples, s => Assert.True(s.Answers.Count > 0 || s.Choices.Count > s.Gold));
        Assert.Equal(64, data.Sha256.Length);
    }

    [Fact]
    public void Mmlu_has_its_subjects_line_and_the_first_five_of_its_own_examples()
    {
        var samples = Load("mmlu", 5).Samples;
        Assert.Equal(57, samples.Select(s => s.Subject).Distinct().Count());
        var sample = samples.First(s => s.Subject == "anatomy");
        Assert.Equal(["A", "B", "C", "D"], sample.Choices.Select(c => c.Text));
        Assert.Equal([" A", " B", " C", " D"], sample.Choices.Select(c => c.Continuation));
        var text = sample.Choices[0].Prompt.ToText();
        Assert.StartsWith("The following are multiple choice questions (with answers) about anatomy.\n\nWhat is the "
            + "embryological origin of the hyoid bone?\nA. The first pharyngeal arch\nB. The first and second "
            + "pharyngeal arches\nC. The second pharyngeal arch\nD. The second and third pharyngeal arches\nAnswer: "
            + "D\n\nWhich of these", text, StringComparison.Ordinal);
        Assert.EndsWith("\nAnswer:", text, StringComparison.Ordinal);
        Assert.Equal(6, text.Split("\nAnswer:").Length - 1);
        Assert.Contains("about high school us history.\n\n", samples.First(
            s => s.Subject == "high_school_us_history").Choices[0].Prompt.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Mmlu_pro_asks_to_think_step_by_step()
    {
        var sample = Load("mmlu_pro", 0).Samples[0];
        Assert.StartsWith("The following are multiple choice questions (with answers) about business. Think step by "
            + "step and then finish your answer with \"the answer is (X)\" where X is the correct letter choice.\n"
            + "Question:\nTypical advertising regulatory bodies suggest,", sample.Prompt!.ToText(),
            StringComparison.Ordinal);
        Assert.EndsWith("\nI. Unsafe practices, Distress, Fear, Serious\nAnswer: Let's think step by step.",
            sample.Prompt.ToText(), StringComparison.Ordinal);
        Assert.Equal(("I", "business", "70"), (Assert.Single(sample.Answers), sample.Subject, sample.Id));
    }

    [Fact]
    public void Gsm8k_has_five_solved_examples()
    {
        var sample = Load("gsm8k", 5).Samples[0];
        var text = sample.Prompt!.ToText();
        Assert.StartsWith("Question: Natalia sold clips to 48 of her friends in April, and then she sold half as many "
            + "clips in May. How many clips did Natalia sell altogether in April and May?\nAnswer: Natalia sold 48/2 = "
            + "<<48/2=24>>24 clips in May.\nNatalia sold 48+24 = <<48+24=72>>72 clips altogether in April and May.\n"
            + "#### 72\n\nQuestion: Weng earns", text, StringComparison.Ordinal);
        Assert.EndsWith("\n\nQuestion: Janet’s ducks lay 16 eggs per day. She eats three for breakfast every morning "
            + "and bakes muffins for her friends every day with four. She sells the remainder at the farmers' market "
            + "daily for $2 per fresh duck egg. How much in dollars does she make every day at the farmers' "
            + "market?\nAnswer:", text, StringComparison.Ordinal);
        Assert.Equal(["18"], sample.Answers);
    }

    [Theory]
    [InlineData("math500", "Convert the point $(0,3)$ in rectangular coordinates to polar coordinates.  Enter your "
        + "answer in the form $(r,\\theta),$ where $r > 0$ and $0 \\le \\theta < 2 \\pi.$" + Boxed,
        "\\left( 3, \\frac{\\pi}{2} \\right)")]
    [InlineData("aime2025",
        "Find the sum of all integer bases $b>9$ for which $17_b$ is a divisor of $97_b.$" + Boxed, "70")]
    [InlineData("olymmath_hard", "Let $a, b, c \\in \\mathbb{R}$, $a^3 b + b^3 c + c^3 a = 3$, find the minimum value "
        + "of the expression $f(a, b, c) = (\\sum a^4)^4 + 1000 \\sum a^2 b^2$." + Boxed, "2625")]
    [InlineData("olymmath_easy", "Given a non-negative integer sequence $\\{a_n\\}$ satisfying $a_1 = 2016$, $a_{n+1} "
        + "\\le \\sqrt{a_n}$, and if the number of terms is at least 2, then any two terms in the sequence are not "
        + "equal. Find the number of such sequences $\\{a_n\\}$." + Boxed, "948")]
    public void Mathematics_asks_for_a_boxed_answer(string name, string text, string answer)
    {
        var sample = Load(name, 0).Samples[0];
        Assert.Equal(text, sample.Prompt!.ToText());
        Assert.Equal([answer], sample.Answers);
    }

    [Theory]
    [InlineData("olympiadbench", "Xenia and Sergey play the following game.",
        "moves does Sergey need to determine for sure the number Xenia thought of?" + Boxed, "2")]
    [InlineData("supergpqa", "Answer the following multiple choice question, which has one right option. End with a "
        + "line \"Answer: X\", where X is its letter.\n\n0.2 mol of $O_{2} (g)$", null, "B")]
    [InlineData("medxpertqa", "Answer the following multiple choice question, which has one right option. End with a "
        + "line \"Answer: X\", where X is its letter.\n\nA 57-year-old male", "(J) Bacterial destruction", "J")]
    public void Long_questions_begin_and_end_as_they_should(string name, string start, string? end, string answer)
    {
        var sample = Load(name, 0).Samples[0];
        Assert.StartsWith(start, sample.Prompt!.ToText(), StringComparison.Ordinal);
        if (end is not null) Assert.EndsWith(end, sample.Prompt.ToText(), StringComparison.Ordinal);
        Assert.Equal([answer], sample.Answers);
    }

    private static TaskData Load(string name, int shots) =>
        TaskData.Load(TaskCatalog.Load().Resolve([name])[0], SharedData.Path("data", "eval"), shots, limit: null,
            TestContext.Current.CancellationToken);
}
