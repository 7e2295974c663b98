using System.Globalization;

namespace Crosshead.Data.Recall;

/// <summary>How the texts of each kind are written. Lines end with a line feed alone.</summary>
internal static class RecallForms
{
    private const int Needles = 4, MostHops = 4, NearVariables = 12, CopiedWords = 16, RepeatedWords = 3;
    private const int CodeLetters = 6, MostFields = 6, QuestionsPerRecord = 2, WordsPerPlace = 8;
    private const double AliasShare = 0.6; // of variables that are assigned from another

    private static readonly string[] s_relations =
        ["is near", "is behind", "came before", "belongs to", "looks like", "was sold with"];

    /// <summary><c>key: value</c> for each pair; then the same lines in another order.</summary>
    public static void Pairs(RecallWriter writer, int count) =>
        Lines(writer, [.. writer.Words(count).Select(key => (key, writer.Word()))]);

    /// <summary><c>row column: value</c> for cells of a table that is about six tenths full.</summary>
    public static void Grid(RecallWriter writer, int count)
    {
        var side = (int)Math.Sqrt(1.6 * count) + 1;
        var (rows, columns) = (writer.Words(side), writer.Words(side));
        var cells = writer.Random.Some(rows.SelectMany(r => columns.Select(c => $"{r} {c}")), count);
        Lines(writer, [.. cells.Select(cell => (cell, writer.Word()))]);
    }

    /// <summary><c>a = 42</c> or <c>b = a</c>, up to four steps from a number; then <c>assert b == 42</c>.</summary>
    public static void Variables(RecallWriter writer, int count)
    {
        var known = new List<(string Name, int Value, int Hops)>();
        foreach (var name in writer.Words(count))
        {
            var near = known.TakeLast(NearVariables).Where(v => v.Hops < MostHops).ToArray();
            if (near.Length > 0 && writer.Random.Share() < AliasShare)
            {
                var (other, value, hops) = writer.Random.OneOf(near);
                writer.Say($"{name} = {other}\n");
                known.Add((name, value, hops + 1));
                continue;
            }
            known.Add((name, 10 + writer.Random.Below(90), 0));
            writer.Say($"{name} = {Number(known[^1].Value)}\n");
        }
        writer.Say("\n");
        foreach (var (name, value, _) in writer.Shuffled(known))
        {
            writer.Ask($"assert {name} ==", Number(value));
            writer.Say("\n");
        }
    }

    /// <summary>
    /// A module's name in a comment and a function of it; then <c>from module import function</c> for each.
    /// </summary>
    public static void Identifiers(RecallWriter writer, int count)
    {
        var modules = new Dictionary<string, string>();
        while (modules.Count < count) modules.TryAdd(Name(), Name());
        foreach (var (module, function) in modules)
        {
            var argument = writer.Word();
            writer.Say($"# {module}.py\ndef {function}({argument}):\n    return {argument} "
                + $"{writer.Random.OneOf(["+", "-", "*"])} {Number(1 + writer.Random.Below(9))}\n\n");
        }
        foreach (var (module, function) in writer.Shuffled([.. modules]))
        {
            writer.Ask($"from {module} import", function);
            writer.Say("\n");
        }
        string Name() => $"{writer.Word()}_{writer.Word()}";
    }

    /// <summary>Sentences, four of which say a number of something; then each number.</summary>
    public static void Needle(RecallWriter writer, int count)
    {
        var (first, second) = (writer.Words(Needles), writer.Words(Needles));
        var facts = Enumerable.Range(0, Needles)
            .Select(i => (What: $"{first[i]} {second[i]}", Value: Number(1000 + writer.Random.Below(9000)))).ToArray();
        var depths = writer.Random.Some(Enumerable.Range(0, count), Needles).Order().ToList();
        for (var sentence = 0; sentence < count; sentence++)
            writer.Say(depths.IndexOf(sentence) is >= 0 and var i
                ? $"The number of the {facts[i].What} is {facts[i].Value}. "
                : $"The {writer.Word()} {writer.Random.OneOf(s_relations)} the {writer.Word()}. ");
        writer.Say("\n");
        foreach (var (what, value) in writer.Shuffled(facts))
        {
            writer.Ask($"The number of the {what} is", value);
            writer.Say(".\n");
        }
    }

    /// <summary>
    /// <c>a b c d: value</c> for codes that are about a quarter of all that their words can make. So most codes differ
    /// from several others in one word. A code has as many words as six different ones need for so many codes: one or
    /// two in short texts, from which the longer ones can be learned.
    /// </summary>
    public static void Codes(RecallWriter writer, int count)
    {
        var length = 1;
        while (Power(CodeLetters, length) < 4L * count) length++;
        var different = 2;
        while (Power(different, length) < 4L * count) different++;
        var few = writer.Words(different);
        var codes = new HashSet<string>();
        var facts = new List<(string, string)>();
        while (facts.Count < count)
        {
            var code = string.Join(' ', Enumerable.Range(0, length).Select(_ => writer.Random.OneOf(few)));
            if (codes.Add(code)) facts.Add((code, writer.Word()));
        }
        Lines(writer, [.. facts]);
    }

    /// <summary>
    /// Lines of two to six words; then <c>2 lake 5 amber</c>: in the line whose second word is lake the fifth is amber.
    /// All words at one place of the lines are different. Three times the lines have a word more.
    /// </summary>
    public static void Records(RecallWriter writer, int count)
    {
        var fields = 2;
        while (fields < MostFields && Power(3, fields - 1) <= count) fields++;
        var columns = Enumerable.Range(0, fields).Select(_ => writer.Words(count)).ToArray();
        for (var record = 0; record < count; record++)
            writer.Say(string.Join(' ', columns.Select(c => c[record])) + "\n");
        writer.Say("\n");
        var places = Enumerable.Range(0, fields).SelectMany(from => Enumerable.Range(0, fields)
            .Where(to => to != from).Select(to => (From: from, To: to))).ToArray();
        foreach (var (record, (from, to)) in writer.Shuffled([.. Enumerable.Range(0, count)
            .SelectMany(r => writer.Random.Some(places, QuestionsPerRecord).Select(p => (r, p)))]))
        {
            writer.Ask($"{from + 1} {columns[from][record]} {to + 1}", columns[to][record]);
            writer.Say("\n");
        }
    }

    /// <summary>Words drawn from sixteen, which repeat often; then the same words.</summary>
    public static void Copy(RecallWriter writer, int count) => Again(writer, "copy", count, CopiedWords);

    /// <summary>Words drawn from three, so that only long parts of the text are unlike; then the same words.</summary>
    public static void Repeats(RecallWriter writer, int count) => Again(writer, "repeat", count, RepeatedWords);

    /// <summary>
    /// Different words in a row; then <c>3 after lake amber</c>: the third word after lake is amber. The farthest
    /// places asked for are an eighth of the words away. So the more words, the more of its neighbours must be known
    /// of each.
    /// </summary>
    public static void Neighbours(RecallWriter writer, int count)
    {
        var words = writer.Words(count);
        writer.Say($"row: {string.Join(' ', words)}\n");
        var farthest = Math.Max(1, count / WordsPerPlace);
        foreach (var word in writer.Shuffled([.. Enumerable.Range(0, count)]))
        {
            var steps = Enumerable.Range(-farthest, (2 * farthest) + 1)
                .Where(step => step != 0 && word + step >= 0 && word + step < count).ToArray();
            var step = writer.Random.OneOf(steps);
            writer.Ask($"{Number(Math.Abs(step))} {(step < 0 ? "before" : "after")} {words[word]}", words[word + step]);
            writer.Say("\n");
        }
    }

    private static void Again(RecallWriter writer, string order, int count, int different)
    {
        var few = writer.Words(different);
        var words = Enumerable.Range(0, count).Select(_ => writer.Random.OneOf(few)).ToArray();
        writer.Say($"{order}: {string.Join(' ', words)}\nagain:");
        foreach (var word in words) writer.Ask("", word);
        writer.Say("\n");
    }

    private static void Lines(RecallWriter writer, (string Key, string Value)[] facts)
    {
        foreach (var (key, value) in facts) writer.Say($"{key}: {value}\n");
        writer.Say("\n");
        foreach (var (key, value) in writer.Shuffled(facts))
        {
            writer.Ask($"{key}:", value);
            writer.Say("\n");
        }
    }

    private static long Power(int basis, int exponent)
    {
        var power = 1L;
        for (var i = 0; i < exponent; i++) power *= basis;
        return power;
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
