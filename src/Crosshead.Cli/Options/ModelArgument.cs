using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The model a command works on.</summary>
internal static class ModelArgument
{
    /// <summary>The argument MODEL: a model directory or a GGUF file.</summary>
    public static Argument<string> Create() =>
        new("MODEL")
        {
            Description = "Model directory (config.json, model.safetensors, tokenizer.json), or GGUF file.",
        };
}
