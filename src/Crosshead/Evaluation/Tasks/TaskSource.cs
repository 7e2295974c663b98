namespace Crosshead.Evaluation.Tasks;

/// <summary>Files that hold a task's rows in one form: the official release's, or that of a copy.</summary>
public sealed record TaskSource
{
    /// <summary>
    /// File patterns below the task's folder (<c>*</c>, <c>?</c>, <c>**</c>), in order of preference: the first that
    /// matches is read.
    /// </summary>
    public IReadOnlyList<string> Rows { get; init; } = [];

    /// <summary>
    /// A recall task whose texts are made instead of read, such as <c>pairs_128</c>. Each row has a <c>context</c> and
    /// the <c>answer</c> that follows a space. Null: rows are read.
    /// </summary>
    public string? Recall { get; init; }

    /// <summary>How many texts are made for a recall task.</summary>
    public int Texts { get; init; } = 64;

    /// <summary>
    /// A file beside them with a line for each row, which becomes the row's field <c>label</c>; null where there is
    /// none.
    /// </summary>
    public string? Labels { get; init; }

    /// <summary>The names of the columns of CSV files that have no header line; empty where they have one.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];
}
