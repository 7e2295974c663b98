using System.Text;
using Crosshead.Files;
using Crosshead.Runtime.Distributed;

namespace Crosshead.Cli.Terminal;

/// <summary>The streams of one run of the program, and whether each is a screen or a file.</summary>
internal sealed class StandardStreams
{
    private const int PlainWidth = 100;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true);

    private readonly TextReader _in;
    private volatile StoppableStep? _step;

    /// <summary>The process's own streams.</summary>
    public StandardStreams()
    {
        Out = new StreamWriter(StandardStream.ForResults(), new UTF8Encoding(false)) { AutoFlush = true };
        Error = TextWriter.Synchronized(
            new StreamWriter(StandardStream.ForMessages(), new UTF8Encoding(false)) { AutoFlush = true });
        _in = StandardStream.InputIsClosed ? TextReader.Null
            : new StreamReader(Console.OpenStandardInput(), s_strict, detectEncodingFromByteOrderMarks: false);
        // .NET would write control codes even to a terminal that nobody sees.
        var hidden = Launcher.HidesTerminal;
        if (hidden) Environment.SetEnvironmentVariable("TERM", "dumb");
        InIsScreen = !hidden && !Console.IsInputRedirected && !StandardStream.InputIsClosed;
        var dumb = hidden || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        OutIsScreen = !Console.IsOutputRedirected && !dumb;
        ErrorIsScreen = !Console.IsErrorRedirected && !dumb;
    }

    /// <summary>Streams from the caller, treated as files; used by tests.</summary>
    public StandardStreams(TextWriter output, TextWriter error, TextReader? input = null)
    {
        (Out, Error, _in) = (output, error, input ?? TextReader.Null);
    }

    /// <summary>Streams that take everything and show nothing.</summary>
    public static StandardStreams Silent { get; } = new(TextWriter.Null, TextWriter.Null);

    /// <summary>Results only; a failed write ends the command.</summary>
    public TextWriter Out { get; }

    /// <summary>Progress and messages; a failed write is ignored.</summary>
    public TextWriter Error { get; }

    /// <summary>Whether a person types the standard input.</summary>
    public bool InIsScreen { get; }

    /// <summary>Whether results go to a screen, not to a file or pipe.</summary>
    public bool OutIsScreen { get; }

    /// <summary>Whether progress may rewrite its line on a screen.</summary>
    public bool ErrorIsScreen { get; }

    /// <summary>The bytes of standard input, as they come.</summary>
    public Stream OpenInput() => _in is StreamReader reader ? reader.BaseStream
        : new MemoryStream(Encoding.UTF8.GetBytes(_in.ReadToEnd()));

    /// <summary>Reads standard input to its end, without a byte order mark.</summary>
    /// <exception cref="CrossheadException">Standard input cannot be read, or is not UTF-8 text.</exception>
    public string ReadInput() => Strictly(() => TextFile.WithoutMark(_in.ReadToEnd()));

    /// <summary>Reads a line of standard input, without its end and without a byte order mark.</summary>
    /// <returns>Null at the end of the input.</returns>
    /// <exception cref="CrossheadException">Standard input cannot be read, or is not UTF-8 text.</exception>
    public string? ReadLine() => Strictly(() => _in.ReadLine() is { } line ? TextFile.WithoutMark(line) : null);

    /// <summary>What the first Ctrl-C stops instead of the command; null for nothing.</summary>
    public StoppableStep? Step
    {
        get => _step;
        set => _step = value;
    }

    /// <summary>Number of columns for help and messages.</summary>
    public int Width => Math.Min(Columns, PlainWidth);

    /// <summary>Number of columns for tables: those of the screen, as far as it tells them.</summary>
    public int Columns => OutIsScreen && Console.WindowWidth is > 20 and var width ? width : PlainWidth;

    private static T Strictly<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException)
        {
            throw new CrossheadException("standard input is no UTF-8 text; convert it first.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CrossheadException($"standard input cannot be read: {e.Reason()}; send a text to it.", e);
        }
    }
}
