using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Crosshead.Checkpoints;

namespace Crosshead.Cli.Options;

/// <summary>
/// The largest size of a weights file: <c>--max-shard-size</c>, with the name and format of Transformers.
/// </summary>
internal sealed class ShardOption
{
    private static readonly Dictionary<string, long> Units = new(StringComparer.OrdinalIgnoreCase)
    {
        ["KB"] = 1_000,
        ["MB"] = 1_000_000,
        ["GB"] = 1_000_000_000,
        ["KiB"] = 1L << 10,
        ["MiB"] = 1L << 20,
        ["GiB"] = 1L << 30,
    };

    private readonly Option<long?> _size = new("--max-shard-size")
    {
        Description = "Size of the largest weights file, in KB, MB, GB, KiB, MiB or GiB, such as 500MB; a larger model "
            + "is split into several files with an index. Without it 5GB.",
        HelpName = "size",
        CustomParser = Parse,
    };

    /// <summary>Adds the option to a command.</summary>
    public ShardOption(Command command) => command.Options.Add(_size);

    /// <summary>Refuses the option where no folder is written, as it would do nothing.</summary>
    /// <param name="arguments">What was typed.</param>
    /// <param name="options">The options that name folders.</param>
    /// <exception cref="CrossheadException">The option is given.</exception>
    public void RefuseWithoutFolder(ParseResult arguments, string options)
    {
        if (arguments.GetValue(_size) is not null)
            throw new CrossheadException($"{_size.Name} splits the weights of folders, and a GGUF file stays one; name "
                + $"a folder with {options}, or leave it out.");
    }

    /// <summary>The largest number of bytes per file.</summary>
    public long Bytes(ParseResult arguments) => arguments.GetValue(_size) ?? ModelDirectory.DefaultShardBytes;

    private static long? Parse(ArgumentResult result)
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        var digits = text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        if (Units.TryGetValue(text[digits..].Trim(), out var unit)
            && double.TryParse(text[..digits], NumberStyles.Float, CultureInfo.InvariantCulture, out var count)
            && count * unit is >= 1 and < 1e15 and var bytes) return (long)bytes;
        result.AddError($"--max-shard-size must be a size with its unit, such as 500MB or 5GB; got \"{text}\".");
        return null;
    }
}
