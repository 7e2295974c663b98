using System.CommandLine;

namespace Crosshead.Cli.Options;

/// <summary>The option <c>--tensor-parallel</c>.</summary>
internal static class TensorParallelOption
{
    private const int Most = 8;

    /// <summary>Creates it.</summary>
    public static Option<int> Create() => NumberOption.WithDefault("--tensor-parallel",
        "GPUs of this machine that share the model out by heads and inner widths, from --device on.", 1, Most, 1);
}
