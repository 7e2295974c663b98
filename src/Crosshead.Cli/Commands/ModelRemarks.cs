using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Commands;

/// <summary>Reports where the program deviates from the apparent meaning of a model's configuration.</summary>
internal static class ModelRemarks
{
    /// <summary>Writes each remark as one message.</summary>
    public static void Tell(IReadOnlyList<string> remarks, CommandOutput output)
    {
        foreach (var remark in remarks) output.Message(remark);
    }

    /// <summary>
    /// Writes the remarks of a model. Writes none if the model or its configuration is missing; that error is reported
    /// elsewhere.
    /// </summary>
    /// <exception cref="CrossheadException">A file is damaged, or needs something that is not supported.</exception>
    public static void TellWhereThere(string? path, CommandOutput output)
    {
        if (path is not null && (File.Exists(Path.Combine(path, ModelFileNames.Configuration))
            || (File.Exists(path) && GgufReader.IsAt(path))))
            Tell(ModelDescription.Of(path).Remarks, output);
    }
}
