using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Cli.Terminal;

namespace Crosshead.Cli.Commands;

/// <summary>Reports where the program deviates from the apparent meaning of a model's configuration.</summary>
internal static class ModelRemarks
{
    /// <summary>Tells each remark in a line.</summary>
    public static void Tell(IReadOnlyList<string> remarks, CommandOutput output)
    {
        foreach (var remark in remarks) output.Message(remark);
    }

    /// <summary>The same for a directory that may be missing, which others refuse.</summary>
    /// <exception cref="CrossheadException">A file is damaged, or asks for what is not supported.</exception>
    public static void TellWhereThere(string? folder, CommandOutput output)
    {
        if (folder is not null && File.Exists(Path.Combine(folder, ModelFileNames.Configuration)))
            Tell(ModelDescription.Of(folder).Remarks, output);
    }
}
