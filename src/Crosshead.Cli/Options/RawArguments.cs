using System.Text;

namespace Crosshead.Cli.Options;

/// <summary>
/// Checks the bytes of the command line. .NET replaces bytes that are not UTF-8 by U+FFFD. A prompt would then be
/// changed, and a file would not be found.
/// </summary>
internal static class RawArguments
{
    private const string File = "/proc/self/cmdline";

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true);

    /// <summary>Refuses arguments of this process that are not UTF-8.</summary>
    /// <param name="arguments">The arguments as .NET read them.</param>
    /// <exception cref="CrossheadException">An argument is not UTF-8.</exception>
    public static void Require(string[] arguments)
    {
        if (arguments.Any(IsSuspect) && System.IO.File.Exists(File))
            Require(arguments, System.IO.File.ReadAllBytes(File));
    }

    /// <summary>Refuses arguments that are not UTF-8.</summary>
    /// <param name="arguments">The arguments as .NET read them.</param>
    /// <param name="line">The words of the process, each followed by a zero byte. The arguments come last.</param>
    /// <exception cref="CrossheadException">An argument is not UTF-8.</exception>
    public static void Require(string[] arguments, ReadOnlySpan<byte> line)
    {
        if (line is [.., 0]) line = line[..^1];
        for (var i = arguments.Length - 1; i >= 0; i--)
        {
            var start = line.LastIndexOf((byte)0) + 1;
            var bytes = line[start..];
            // If another program runs the command in its own process, these words are not the arguments.
            if (IsSuspect(arguments[i]) && Encoding.UTF8.GetString(bytes) == arguments[i] && !IsText(bytes))
                throw new CrossheadException($"the argument \"{arguments[i]}\" is no UTF-8 text; type it again in a "
                    + $"terminal that is set to UTF-8, or convert the script that holds it.");
            line = start == 0 ? [] : line[..(start - 1)];
        }
    }

    private static bool IsSuspect(string argument) => argument.Contains('\uFFFD', StringComparison.Ordinal);

    private static bool IsText(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _ = s_strict.GetCharCount(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}
