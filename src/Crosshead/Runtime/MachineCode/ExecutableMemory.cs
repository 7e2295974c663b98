using System.Runtime.InteropServices;

namespace Crosshead.Runtime.MachineCode;

/// <summary>
/// Memory that the processor runs. It is written first and then made executable, and never both at once. It is kept
/// until the process ends.
/// </summary>
internal static unsafe partial class ExecutableMemory
{
    private const int Read = 1, Write = 2, Execute = 4, Private = 2, LinuxAnonymous = 0x20, MacAnonymous = 0x1000;
    private const uint Commit = 0x1000, Reserve = 0x2000, Release = 0x8000, ReadWrite = 4, ExecuteRead = 0x20;
    private const nint Failed = -1;

    /// <summary>Copies code to memory that may be run.</summary>
    /// <returns>The address of the code; 0 where the system does not allow it.</returns>
    public static nint Of(ReadOnlySpan<byte> code)
    {
        try
        {
            return OperatingSystem.IsWindows() ? OfWindows(code) : OfUnix(code);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return 0; // another system
        }
    }

    private static nint OfUnix(ReadOnlySpan<byte> code)
    {
        var anonymous = OperatingSystem.IsMacOS() ? MacAnonymous : LinuxAnonymous;
        var memory = Map(0, (nuint)code.Length, Read | Write, Private | anonymous, -1, 0);
        if (memory == Failed) return 0;
        code.CopyTo(new Span<byte>((void*)memory, code.Length));
        if (Protect(memory, (nuint)code.Length, Read | Execute) == 0) return memory;
        _ = Unmap(memory, (nuint)code.Length);
        return 0;
    }

    private static nint OfWindows(ReadOnlySpan<byte> code)
    {
        var memory = VirtualAlloc(0, (nuint)code.Length, Commit | Reserve, ReadWrite);
        if (memory == 0) return 0;
        code.CopyTo(new Span<byte>((void*)memory, code.Length));
        if (VirtualProtect(memory, (nuint)code.Length, ExecuteRead, out _) != 0) return memory;
        _ = VirtualFree(memory, 0, Release);
        return 0;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("kernel32")]
    private static partial nint VirtualAlloc(nint address, nuint size, uint kind, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualProtect(nint address, nuint size, uint protection, out uint before);

    [LibraryImport("kernel32")]
    private static partial int VirtualFree(nint address, nuint size, uint kind);
}
