using System.Runtime.InteropServices;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// Standard output or standard error of the process, unbuffered. A failed write of results is an error. A
/// failed write of messages is ignored, because a message must not end the work that it reports.
/// </summary>
internal sealed partial class StandardStream : Stream
{
    private const int Input = 0, Output = 1, Error = 2;
    private const int GetDescriptorFlags = 1, CloseOnExec = 1;
    private const int Interrupted = 4, BadDescriptor = 9, TryAgain = 11, BrokenPipe = 32;

    private readonly int _descriptor;
    private readonly bool _closed;

    private StandardStream(int descriptor) => (_descriptor, _closed) = (descriptor, IsClosed(descriptor));

    /// <summary>Standard output; a failed write throws.</summary>
    public static Stream ForResults() => new StandardStream(Output);

    /// <summary>Standard error; a failed write is ignored.</summary>
    public static Stream ForMessages() => new StandardStream(Error);

    /// <summary>Whether the process was started without standard input.</summary>
    public static bool InputIsClosed => IsClosed(Input);

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    /// <exception cref="CrossheadException">Results cannot be written.</exception>
    /// <exception cref="ReaderGoneException">Nobody reads the results any more.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var failure = _closed ? BadDescriptor : WriteAll(buffer);
        if (failure == 0 || _descriptor == Error) return;
        if (failure == BrokenPipe) throw new ReaderGoneException();
        var reason = failure == BadDescriptor ? "it is closed" : Marshal.GetPInvokeErrorMessage(failure);
        throw new CrossheadException($"standard output: {reason}; send it to a file or a program that takes it.");
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush() { }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    // Returns 0 or the error number of the system.
    private int WriteAll(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var written = Write(_descriptor, bytes, bytes.Length);
            if (written >= 0) bytes = bytes[(int)written..];
            // A non-blocking pipe is full.
            else if (Marshal.GetLastPInvokeError() is var error && error == TryAgain) Thread.Sleep(1);
            else if (error != Interrupted) return error;
        }
        return 0;
    }

    // If a stream was closed at the start, the runtime opens a file of its own under that number. The runtime's files
    // are closed in child processes. An inherited stream stays open in child processes.
    private static bool IsClosed(int descriptor) =>
        Control(descriptor, GetDescriptorFlags) is var flags && (flags < 0 || (flags & CloseOnExec) != 0);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int descriptor, ReadOnlySpan<byte> bytes, nint count);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int descriptor, int command);
}
