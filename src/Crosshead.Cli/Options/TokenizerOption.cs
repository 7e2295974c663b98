using System.CommandLine;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Cli.Options;

/// <summary>The tokenizer a command works with.</summary>
internal static class TokenizerOption
{
    /// <summary>The required option <c>--tokenizer</c>.</summary>
    public static Option<string> Create() =>
        new("--tokenizer")
        {
            Description = "The tokenizer.json, a folder that holds one, or a GGUF file.",
            HelpName = "file",
            Required = true,
        };

    /// <summary>Loads the tokenizer at a path.</summary>
    /// <exception cref="CrossheadException">It is missing, damaged, or not supported.</exception>
    public static Tokenizer Load(string path) =>
        GgufReader.IsAt(path) ? ModelDescription.Of(path).LoadTokenizer() : Tokenizer.Load(path);
}
