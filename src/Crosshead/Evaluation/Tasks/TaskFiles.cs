namespace Crosshead.Evaluation.Tasks;

/// <summary>Files of a task that were found.</summary>
/// <param name="Rows">The files of rows.</param>
/// <param name="Source">The form they are in.</param>
/// <param name="Labels">The file of labels beside them, if that form has one.</param>
internal sealed record TaskFiles(IReadOnlyList<string> Rows, TaskSource Source, string? Labels)
{
    /// <summary>All files, that of the labels last.</summary>
    public IEnumerable<string> All => Labels is null ? Rows : Rows.Append(Labels);

    /// <summary>Their rows in order.</summary>
    public IEnumerable<TaskRow> Read()
    {
        if (Source.Recall is { } recall) return RecallRows.Make(recall, Source.Texts);
        var rows = Rows.SelectMany(f => RowReader.Read(f, Source.Columns));
        return Labels is null ? rows : RowReader.Labelled(rows, Labels);
    }
}
