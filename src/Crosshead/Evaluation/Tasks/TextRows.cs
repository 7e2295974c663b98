using System.Text;
using Fluid.Values;

namespace Crosshead.Evaluation.Tasks;

/// <summary>Reads a plain text as one row, whose field <c>text</c> is all of it.</summary>
internal static class TextRows
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The one row.</summary>
    /// <exception cref="CrossheadException">The file is no text in UTF-8.</exception>
    public static IEnumerable<TaskRow> Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path, s_strict);
        }
        catch (DecoderFallbackException e)
        {
            throw new CrossheadException($"{path} is no text in UTF-8 (byte {e.Index}); convert it, or get it again.", e);
        }
        yield return new TaskRow(path, "text", 1, new() { ["text"] = new StringValue(text) });
    }
}
