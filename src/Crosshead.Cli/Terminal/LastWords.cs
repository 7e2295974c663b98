using System.Runtime.InteropServices;
using System.Text;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// Reports a failure when the usual report fails too, for example when no more files can be opened. The report loads
/// nothing that is not loaded already.
/// </summary>
internal static partial class LastWords
{
    private const int StandardError = 2, OpenFiles = 7, Few = 128;

    /// <summary>Writes one line to standard error, if it can be written, and returns the exit code.</summary>
    public static int Say(Exception failure)
    {
        ReadOnlySpan<byte> line = Encoding.UTF8.GetBytes(Describe(failure) + "\n");
        _ = Write(StandardError, line, line.Length);
        return ExitCode.BadInput;
    }

    /// <summary>The one line for a part of the program that could not be loaded; null for any other failure.</summary>
    public static string? OfLoading(Exception failure)
    {
        if (!IsOfLoading(failure)) return null;
        if (Limit(OpenFiles, out var limit) == 0 && limit.Now < Few)
            return $"at most {limit.Now} files may be open at once, which are too few to load the program; raise the "
                + $"limit (ulimit -n) to {Few} or more.";
        return $"a part of the program cannot be loaded: {failure.Message.Split('\n')[0]} Install or build it again.";
    }

    private static string Describe(Exception failure) =>
        OfLoading(failure) ?? $"unexpected {failure.GetType().Name}: {failure.Message.Split('\n')[0]}";

    // The runtime reports a missing assembly like a missing file, with the assembly's full name as the path.
    private static bool IsOfLoading(Exception failure) => failure switch
    {
        FileNotFoundException { FileName: { } name } => name.Contains(", Version=", StringComparison.Ordinal),
        FileLoadException => true,
        _ => false,
    };

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int descriptor, ReadOnlySpan<byte> bytes, nint count);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int Limit(int resource, out Limits limits);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Limits
    {
        public readonly ulong Now, Most;
    }
}
