using Crosshead.Attention;

namespace Crosshead.Cli.Sweep;

/// <summary>What a sweep was asked for.</summary>
/// <param name="Recipe">Path of the recipe that all runs are made from.</param>
/// <param name="Variants">The variants, each once.</param>
/// <param name="Rates">The learning rates, each once.</param>
/// <param name="Seeds">The seeds, each once; empty for the recipe's own.</param>
/// <param name="Overrides">Values of the recipe set last.</param>
/// <param name="Folder">Where everything goes.</param>
/// <param name="Overwrite">Whether a sweep that is there is replaced.</param>
/// <param name="Parallel">Runs at a time.</param>
/// <param name="Command">The command line that does it again.</param>
internal sealed record SweepOptions(
    string Recipe, IReadOnlyList<AttentionVariant> Variants, IReadOnlyList<double> Rates, IReadOnlyList<long> Seeds,
    IReadOnlyList<string> Overrides, string Folder, bool Overwrite, int Parallel, string Command);
