using System.Runtime.InteropServices;

namespace Crosshead.Cli.Terminal;

/// <summary>
/// How the terminal at standard input takes keys. .NET changes that while it reads a line, and changes it back where a
/// process ends in order.
/// </summary>
internal sealed unsafe partial class TerminalModes
{
    private const int Input = 0, AtOnce = 0; // TCSANOW
    private const int Bytes = 128; // struct termios has fewer

    private readonly byte[] _modes = new byte[Bytes];
    private readonly bool _known;

    /// <summary>Notes the modes in force, if there is a terminal.</summary>
    public TerminalModes()
    {
        fixed (byte* modes = _modes) _known = Get(Input, modes) == 0;
    }

    /// <summary>Sets the noted modes again, if this process is the one that the terminal belongs to.</summary>
    public void Restore()
    {
        if (!_known || Foreground(Input) != Group()) return; // the system stops others that try
        fixed (byte* modes = _modes) _ = Set(Input, AtOnce, modes);
    }

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int Get(int file, byte* modes);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int Set(int file, int when, byte* modes);

    [LibraryImport("libc", EntryPoint = "tcgetpgrp")]
    private static partial int Foreground(int file);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    private static partial int Group();
}
