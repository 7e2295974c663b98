using Crosshead.Checkpoints.Gguf;

namespace Crosshead.Cli.Options;

/// <summary>A GGUF file, whose name ends in <c>.gguf</c>, or a folder for a model.</summary>
internal sealed class OutputModel : OutputOption
{
    private readonly OutputFile _file;
    private readonly OutputFolder _folder;

    private OutputModel(OutputFolder folder, string description) : base(folder.Option) =>
        (_folder, _file) = (folder, OutputFile.Always(folder.Name, description, "path"));

    /// <summary>An output that must be named.</summary>
    /// <param name="description">What is written.</param>
    public static OutputModel Always(string description)
    {
        var folder = new OutputFolder(description);
        folder.Option.HelpName = "path";
        return new OutputModel(folder, description);
    }

    /// <inheritdoc/>
    public override bool IsFile(string path) =>
        path.EndsWith(GgufReader.Extension, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public override IEnumerable<string> Places(string path) => [path];

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite)
    {
        OutputOption output = IsFile(path) ? _file : _folder;
        output.Check(path, overwrite);
    }
}
