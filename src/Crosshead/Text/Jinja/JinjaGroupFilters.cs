namespace Crosshead.Text.Jinja;

/// <summary>The filters that put the items of a list into groups.</summary>
internal static class JinjaGroupFilters
{
    public static void AddTo(JinjaTable<object?> table)
    {
        table.Add("batch", "linecount, fill_with=none",
            (x, a) => new JinjaGenerator(Batches(x, a.Integer(0), a[1], a.Budget), a.Budget));
        table.Add("slice", "slices, fill_with=none",
            (x, a) => new JinjaGenerator(Slices(x, a.Integer(0), a[1], a.Budget), a.Budget));
        table.Add("groupby", "attribute, default=none, case_sensitive=false", Groups);
    }

    private static IEnumerable<object?> Batches(object? value, long count, object? filling, JinjaBudget budget)
    {
        var batch = new List<object?>();
        foreach (var item in JinjaValue.Items(value, budget))
        {
            if (batch.Count == count)
            {
                yield return batch;
                batch = [];
            }
            batch.Add(item);
        }
        if (batch.Count == 0) yield break;
        Fill(batch, count, filling, budget);
        yield return batch;
    }

    private static IEnumerable<object?> Slices(object? value, long count, object? filling, JinjaBudget budget)
    {
        if (count == 0) throw new JinjaException("slice: slices must not be 0");
        var items = JinjaValue.Items(value, budget).ToList();
        var (least, more) = Math.DivRem(items.Count, count);
        var at = 0;
        for (var i = 0L; i < count; i++)
        {
            budget.Step();
            var slice = items.GetRange(at, (int)(least + (i < more ? 1 : 0)));
            at += slice.Count;
            if (i >= more && filling is not null) slice.Add(filling);
            yield return slice;
        }
    }

    private static void Fill(List<object?> items, long count, object? filling, JinjaBudget budget)
    {
        if (filling is null) return;
        budget.MakeItems(count - items.Count);
        while (items.Count < count) items.Add(filling);
    }

    // Pairs of a key and the items that have it, by falling into place of the sorted keys.
    private static List<object?> Groups(object? value, JinjaArguments arguments)
    {
        object? Key(object? item) => JinjaSequenceFilters.Path(item, arguments[0], arguments[1]);
        object? Folded(object? item) => !arguments.IsTrue(2) && Key(item) is string text ? JinjaCasing.Lower(text)
            : Key(item);
        var groups = new List<object?>();
        object? last = null;
        foreach (var item in JinjaSequenceFilters.Sorted(JinjaValue.Items(value, arguments.Budget), Folded, false,
            arguments.Budget))
        {
            var key = Folded(item);
            if (groups.Count == 0 || !JinjaValue.AreEqual(key, last, arguments.Budget))
                groups.Add(new object?[] { Key(item), new List<object?>() });
            ((List<object?>)((object?[])groups[^1]!)[1]!).Add(item);
            last = key;
        }
        return groups;
    }
}
