using System.Text.Json.Serialization;

namespace Crosshead.Evaluation.Tasks;

/// <summary>
/// A benchmark as data: which files hold its rows, which of their fields it uses, how a row becomes prompts and
/// continuations, and how they are scored. Field expressions and templates are Liquid; <c>docs/tasks.md</c> describes
/// them.
/// </summary>
public sealed record EvaluationTask
{
    /// <summary>The template of a choice's text where a task has no other.</summary>
    internal const string TextOfChoice = "{{ choice }}";

    /// <summary>The task's name: lower-case letters, digits and underscores.</summary>
    public required string Name { get; init; }

    /// <summary>Rises when a change of the task changes its scores.</summary>
    public required int Version { get; init; }

    /// <summary>How it asks.</summary>
    public required TaskKind Kind { get; init; }

    /// <summary>
    /// What it is about: knowledge, science, mathematics, commonsense or language; a user's own task may have another
    /// group.
    /// </summary>
    public required string Group { get; init; }

    /// <summary>A name that several tasks share, such as <c>arc</c>; null where it stands alone.</summary>
    public string? Family { get; init; }

    /// <summary>What it asks, in a line.</summary>
    public required string About { get; init; }

    /// <summary>The source of its data.</summary>
    public required string Source { get; init; }

    /// <summary>
    /// What readers must know to compare its scores, such as that the usual scorer is a language model; null for
    /// nothing.
    /// </summary>
    public string? Note { get; init; }

    /// <summary>Other names that its folder may have, such as those of the archives it comes in.</summary>
    public IReadOnlyList<string> Folders { get; init; } = [];

    /// <summary>The files of the scored rows, in order of preference.</summary>
    public required IReadOnlyList<TaskSource> Data { get; init; }

    /// <summary>
    /// A Liquid expression over <c>row</c>: only rows for which it is neither false nor absent are asked; null: all.
    /// </summary>
    public string? Where { get; init; }

    /// <summary>
    /// What templates may name: Liquid expressions over <c>row</c>, <c>file</c>, <c>folder</c> and the fields before,
    /// the first that gives a value being taken. <c>choices</c>, <c>answer</c>, <c>labels</c>, <c>subject</c> and
    /// <c>id</c> have a meaning of their own.
    /// </summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Fields { get; init; }

    /// <summary>The template of what stands before everything.</summary>
    public string Description { get; init; } = "";

    /// <summary>
    /// The template of the question. Where it names <c>choice</c>, <c>text</c>, <c>letter</c> or <c>index</c>, each
    /// choice has its own.
    /// </summary>
    public required string Question { get; init; }

    /// <summary>
    /// The template of a choice's text, by whose length <c>acc_norm</c> divides, or of the word or text that is scored.
    /// </summary>
    public string Text { get; init; } = TextOfChoice;

    /// <summary>The template of what is scored.</summary>
    public string Continuation { get; init; } = " {{ text }}";

    /// <summary>How <c>answer</c> says which choice is right.</summary>
    public AnswerReading Answer { get; init; }

    /// <summary>Choices are put in an order drawn from this seed and the row's number; null: as they stand.</summary>
    public int? ShuffleSeed { get; init; }

    /// <summary>Where solved examples come from; null: the task has none.</summary>
    public TaskShots? Shots { get; init; }

    /// <summary>What is reported: <c>acc</c>, <c>acc_norm</c>, <c>perplexity</c>, <c>exact_match</c>.</summary>
    public required IReadOnlyList<string> Metrics { get; init; }

    /// <summary>Where the model writes: how many tokens at most.</summary>
    public int MaxTokens { get; init; } = 1024;

    /// <summary>Where the model writes: texts at which it stops.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Where the model writes: the ways its answer is found and judged, the main one first.</summary>
    public IReadOnlyList<AnswerFilter> Filters { get; init; } = [];

    /// <summary>How many solved examples stand before a question unless the caller says otherwise.</summary>
    [JsonIgnore]
    public int DefaultShots => Shots?.Count ?? 0;
}
