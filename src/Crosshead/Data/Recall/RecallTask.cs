using System.Globalization;

namespace Crosshead.Data.Recall;

/// <summary>A kind of recall at one size. Its name has both, such as <c>pairs_128</c>.</summary>
public sealed record RecallTask
{
    private sealed record Form(RecallKind Kind, Action<RecallWriter, int> Write, int Least, int Most, int Usual,
        string What);

    // Usual sizes give texts of about 2,000 tokens.
    private static readonly Form[] s_forms =
    [
        new(RecallKind.Pairs, RecallForms.Pairs, 1, RecallWords.Count, 170, "pairs"),
        new(RecallKind.Grid, RecallForms.Grid, 1, 50_000, 140, "cells"),
        new(RecallKind.Variables, RecallForms.Variables, 1, RecallWords.Count, 150, "variables"),
        new(RecallKind.Identifiers, RecallForms.Identifiers, 1, 50_000, 48, "functions"),
        new(RecallKind.Needle, RecallForms.Needle, 4, 1_000_000, 180, "sentences"),
        new(RecallKind.Copy, RecallForms.Copy, 1, 1_000_000, 400, "words"),
        new(RecallKind.Codes, RecallForms.Codes, 1, 50_000, 96, "codes"),
        new(RecallKind.Records, RecallForms.Records, 1, RecallWords.Count, 80, "records"),
        new(RecallKind.Repeats, RecallForms.Repeats, 1, 1_000_000, 400, "words"),
        new(RecallKind.Neighbours, RecallForms.Neighbours, 2, RecallWords.Count, 300, "words"),
    ];

    private RecallTask(RecallKind kind, int size) => (Kind, Size) = (kind, size);

    /// <summary>A task of each kind, with texts of about 2,000 tokens.</summary>
    public static IReadOnlyList<RecallTask> Usual { get; } = [.. s_forms.Select(f => new RecallTask(f.Kind, f.Usual))];

    /// <summary>What is asked.</summary>
    public RecallKind Kind { get; }

    /// <summary>
    /// How much a text says: pairs, cells, variables, functions, sentences or words.
    /// </summary>
    public int Size { get; }

    /// <summary>Its name: kind and size.</summary>
    public string Name => $"{NameOf(Kind)}_{Size.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The smallest size of the kind.</summary>
    internal int Least => FormOf(Kind).Least;

    /// <summary>Finds a task by its name.</summary>
    /// <param name="name">Kind and size, such as <c>pairs_128</c>.</param>
    /// <exception cref="CrossheadException">The kind is unknown, or the size is out of its range.</exception>
    public static RecallTask Parse(string name)
    {
        var cut = name.LastIndexOf('_');
        var (kind, size) = cut < 0 ? (name, "") : (name[..cut], name[(cut + 1)..]);
        if (Array.Find(s_forms, f => NameOf(f.Kind).Equals(kind, StringComparison.OrdinalIgnoreCase)) is not { } form)
            throw new CrossheadException($"the kind of the recall task \"{name.Shown()}\" is unknown; "
                + Suggestion.For(kind, s_forms.Select(f => NameOf(f.Kind))));
        return int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= form.Least && number <= form.Most ? new(form.Kind, number)
            : throw new CrossheadException($"the recall task \"{name.Shown()}\" must say how many {form.What}, from "
                + $"{form.Least} to {form.Most}, such as {kind}_{form.Usual}.");
    }

    /// <summary>The task of the same kind with another size.</summary>
    internal RecallTask At(int size) => new(Kind, size);

    /// <summary>Writes a text. The same arguments always give the same text.</summary>
    /// <param name="seed">Seed of all texts.</param>
    /// <param name="purpose">What the text is for.</param>
    /// <param name="number">Number of the text.</param>
    public RecallText Write(long seed, RecallPurpose purpose, long number) =>
        Write(new RecallRandom(seed, purpose, number));

    internal RecallText Write(RecallRandom random)
    {
        var writer = new RecallWriter(random);
        FormOf(Kind).Write(writer, Size);
        return writer.Written();
    }

    private static Form FormOf(RecallKind kind) => s_forms.First(f => f.Kind == kind);

    private static string NameOf(RecallKind kind) => $"{kind}".ToLowerInvariant();
}
