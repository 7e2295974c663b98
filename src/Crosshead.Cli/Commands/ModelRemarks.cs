using Crosshead.Checkpoints;

namespace Crosshead.Cli.Commands;

/// <summary>Tells what is done otherwise than a model's configuration seems to ask.</summary>
internal static class ModelRemarks
{
    /// <summary>Describes a model directory, each remark told in a line.</summary>
    /// <exception cref="CrossheadException">A file is missing or damaged, or asks for what is not supported.</exception>
    public static ModelDescription Tell(string folder, CommandOutput output)
    {
        var model = ModelDescription.Of(folder);
        foreach (var remark in model.Remarks) output.Message(remark);
        return model;
    }

    /// <summary>The same for a directory that may be missing, which others refuse.</summary>
    public static void TellWhereThere(string? folder, CommandOutput output)
    {
        if (folder is not null && File.Exists(Path.Combine(folder, ModelDirectory.ConfigFile))) Tell(folder, output);
    }
}
