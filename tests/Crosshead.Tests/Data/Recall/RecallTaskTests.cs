using System.Text.RegularExpressions;
using Crosshead.Data.Recall;

namespace Crosshead.Tests.Data.Recall;

public sealed partial class RecallTaskTests
{
    public static TheoryData<string> Names =>
        ["pairs_1", "pairs_32", "pairs_302", "grid_1", "grid_100", "variables_1", "variables_60", "identifiers_1",
            "identifiers_40", "needle_4", "needle_100", "copy_1", "copy_50", "codes_1", "codes_60",
            "records_1", "records_40", "records_302", "repeats_1", "repeats_50", "neighbours_2", "neighbours_17",
            "neighbours_302"];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_text_before_a_question_tells_its_answer(string name)
    {
        var task = RecallTask.Parse(name);
        Assert.Equal(name, task.Name);
        for (var number = 0; number < 5; number++)
        {
            var text = task.Write(7, RecallPurpose.Probe, number);
            Assert.Equal(task.Kind switch
            {
                RecallKind.Needle => 4,
                RecallKind.Records => 2 * task.Size,
                _ => task.Size,
            }, text.Answers.Count);
            foreach (var (answer, index) in text.Answers.Select((a, i) => (a, i)))
            {
                var (context, right) = text.Question(answer);
                Assert.Equal($"{context} {right}", text.Text[..(answer.Start + answer.Length)]);
                Assert.Equal(Solved(task.Kind, text.Text, context, index), right);
            }
        }
    }

    [Fact]
    public void Upper_and_lower_case_are_one() =>
        Assert.Equal(RecallTask.Parse("pairs_20"), RecallTask.Parse("Pairs_20"));

    [Fact]
    public void A_text_depends_on_seed_purpose_and_number_alone()
    {
        var task = RecallTask.Parse("grid_20");
        string Text(long seed, RecallPurpose purpose, long number) => task.Write(seed, purpose, number).Text;
        var first = Text(1, RecallPurpose.Probe, 0);
        Assert.Equal(first, Text(1, RecallPurpose.Probe, 0));
        Assert.Equal(4, new[] { first, Text(2, RecallPurpose.Probe, 0), Text(1, RecallPurpose.Evaluation, 0),
            Text(1, RecallPurpose.Probe, 1) }.Distinct().Count());
        // The tasks of all versions must be the same.
        Assert.All(s_goldens,
            g => Assert.Equal(g.Text, RecallTask.Parse(g.Name).Write(1, RecallPurpose.Evaluation, 0).Text));
    }

    [Fact]
    public void A_corpus_has_all_tasks_in_sizes_up_to_those_named_and_no_text_of_a_probe()
    {
        RecallTask[] tasks = [RecallTask.Parse("pairs_40"), RecallTask.Parse("copy_60")];
        var texts = RecallCorpus.Write(tasks, 1, 400).ToArray();
        Assert.Equal(400, texts.Select(t => t.Text).Distinct().Count());
        var copies = texts.Where(t => t.Text.StartsWith("copy:", StringComparison.Ordinal)).ToArray();
        Assert.InRange(copies.Length, 150, 250);
        Assert.InRange(copies.Max(t => t.Answers.Count), 50, 60);
        Assert.InRange(copies.Count(t => t.Answers.Count <= 8), 60, 140); // half of all sizes, in the logarithm
        var probes = Enumerable.Range(0, 50).Select(i => tasks[0].Write(1, RecallPurpose.Probe, i).Text);
        Assert.Empty(probes.Intersect(texts.Select(t => t.Text)));
    }

    // So that a small model finds short codes and records among its texts, from which it learns the long ones.
    [Theory]
    [InlineData("codes_1", 1)]
    [InlineData("codes_2", 2)]
    [InlineData("codes_9", 2)]
    [InlineData("codes_10", 3)]
    [InlineData("codes_54", 3)]
    [InlineData("codes_55", 4)]
    [InlineData("codes_324", 4)]
    [InlineData("codes_325", 5)]
    [InlineData("records_2", 2)]
    [InlineData("records_3", 3)]
    [InlineData("records_26", 4)]
    [InlineData("records_27", 5)]
    [InlineData("records_81", 6)]
    [InlineData("records_300", 6)]
    public void The_more_codes_and_records_the_more_words_they_have(string name, int words)
    {
        var line = RecallTask.Parse(name).Write(3, RecallPurpose.Probe, 0).Text.Split('\n')[0];
        Assert.Equal(words, line.Split(": ")[0].Split(' ').Length);
    }

    // The more words, the farther the places that are asked for.
    [Theory]
    [InlineData("neighbours_2", 1)]
    [InlineData("neighbours_15", 1)]
    [InlineData("neighbours_16", 2)]
    [InlineData("neighbours_160", 20)]
    public void Neighbours_are_up_to_an_eighth_of_the_words_away(string name, int farthest)
    {
        var task = RecallTask.Parse(name);
        var steps = Enumerable.Range(0, 20).SelectMany(n => task.Write(3, RecallPurpose.Probe, n).Text.Split('\n')[1..])
            .Where(line => line.Length > 0).Select(line => int.Parse(line.Split(' ')[0], null)).ToArray();
        Assert.Equal((1, farthest), (steps.Min(), steps.Max()));
    }

    [Theory]
    [InlineData("pair_12", "did you mean \"pairs\"?")]
    [InlineData("pairs", "must say how many pairs, from 1 to 302")]
    [InlineData("pairs_0", "from 1 to 302, such as pairs_170")]
    [InlineData("pairs_303", "from 1 to 302")]
    [InlineData("needle_3", "how many sentences, from 4 to")]
    [InlineData("copy_-5", "how many words")]
    public void Unknown_names_are_refused(string name, string told) => Assert.Contains(told,
        Assert.Throws<CrossheadException>(() => RecallTask.Parse(name)).Message, StringComparison.Ordinal);

    // The answer as a reader finds it, with nothing of the writer.
    private static string Solved(RecallKind kind, string text, string context, int index)
    {
        var facts = text[..text.IndexOf(kind switch
        {
            RecallKind.Copy or RecallKind.Repeats => "again:",
            RecallKind.Identifiers => "\nfrom ",
            RecallKind.Needle => ". \nThe",
            RecallKind.Neighbours => "\n",
            _ => "\n\n",
        }, StringComparison.Ordinal)];
        var question = context[(context.LastIndexOf('\n') + 1)..];
        switch (kind)
        {
            case RecallKind.Pairs or RecallKind.Grid or RecallKind.Codes:
                return Assert.Single(facts.Split('\n'), l => l.StartsWith(question, StringComparison.Ordinal))
                    .Split(": ")[1];
            case RecallKind.Variables:
                var value = question.Split(' ')[1];
                while (!int.TryParse(value, out _))
                    value = Assert.Single(facts.Split('\n'), l => l.StartsWith($"{value} = ", StringComparison.Ordinal))
                        .Split(" = ")[1];
                return value;
            case RecallKind.Identifiers:
                var module = question.Split(' ')[1];
                return Regex.Match(facts, $@"(^|\n)# {module}\.py\ndef (\w+)\(").Groups[2].Value;
            case RecallKind.Needle:
                return Regex.Match(facts, $@"{question} (\d+)").Groups[1].Value;
            case RecallKind.Records:
                var asked = question.Split(' ');
                var (from, to) = (int.Parse(asked[0], null) - 1, int.Parse(asked[2], null) - 1);
                return Assert.Single(facts.Split('\n').Select(l => l.Split(' ')), r => r[from] == asked[1])[to];
            case RecallKind.Neighbours:
                var (row, steps) = (facts.Split(' ')[1..], question.Split(' '));
                return row[Array.IndexOf(row, steps[2]) + (int.Parse(steps[0], null) * (steps[1] == "after" ? 1 : -1))];
            default:
                return facts[(facts.IndexOf(' ', StringComparison.Ordinal) + 1)..].TrimEnd().Split(' ')[index];
        }
    }

    // Computed by another program.
    private static readonly (string Name, string Text)[] s_goldens =
    [
        ("pairs_3", "mirror: fox\npaper: kettle\nhoney: onion\n\nhoney: onion\nmirror: fox\npaper: kettle\n"),
        ("codes_2", "mirror paper: onion\nhoney honey: silk\n\nmirror paper: onion\nhoney honey: silk\n"),
        ("records_3", "mirror fox toast\npaper key valley\nhoney orange silk\n\n"
            + "3 valley 2 key\n1 mirror 2 fox\n2 fox 1 mirror\n2 key 1 paper\n2 orange 3 silk\n1 honey 3 silk\n"),
        ("repeats_6", "repeat: mirror paper paper honey honey honey\n"
            + "again: mirror paper paper honey honey honey\n"),
        ("neighbours_17", "row: mirror paper honey garden kitchen organ tomato velvet sister market lake wave jungle "
            + "potato clock melon canyon\n2 before kitchen honey\n2 after honey kitchen\n2 after mirror honey\n"
            + "2 after sister lake\n2 after velvet market\n1 before tomato organ\n2 before canyon clock\n"
            + "2 after market wave\n2 before potato wave\n2 before wave market\n2 after organ velvet\n"
            + "1 after garden kitchen\n1 after clock melon\n2 after paper garden\n1 after melon canyon\n"
            + "2 after lake jungle\n2 after jungle clock\n"),
    ];
}
