using Crosshead.Files;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Reads a plain text as one row, whose field <c>text</c> is all of it.</summary>
internal static class TextRows
{
    /// <summary>The one row.</summary>
    /// <exception cref="CrossheadException">The file is empty, or no text in UTF-8.</exception>
    public static IEnumerable<TaskRow> Read(string path)
    {
        yield return new TaskRow(path, "text", 1, new() { ["text"] = new StringValue(TextFile.Read(path)) });
    }
}
