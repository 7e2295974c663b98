using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The tokenizer a command works with.</summary>
internal static class TokenizerOption
{
    /// <summary>The required option <c>--tokenizer</c>.</summary>
    public static Option<string> Create() =>
        new("--tokenizer")
        {
            Description = "The tokenizer.json, or a folder that holds one.",
            HelpName = "file",
            Required = true,
        };
}
