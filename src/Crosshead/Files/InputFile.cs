using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Crosshead.Files;

/// <summary>
/// Opens files that are read, by their names. Folders, pipes, sockets and devices are refused before they are
/// opened: a named pipe waits for a writer, and a device may have no end.
/// </summary>
public static unsafe partial class InputFile
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint TypeAlone = 1; // STATX_TYPE
    private const int Denied = 13; // EACCES
    private const int StatusBytes = 256, ModeOffset = 28; // of struct statx
    private const int TypeBits = 0xF000, Pipe = 0x1000, Characters = 0x2000, Folder = 0x4000, Blocks = 0x6000,
        Socket = 0xC000;
    private const string AnyRemedy = "name or put a file in its place";

    /// <summary>All bytes of a file.</summary>
    /// <exception cref="CrossheadException">It is a folder, a pipe, a socket or a device, or a link to
    /// what cannot be reached.</exception>
    internal static byte[] ReadBytes(string path) => File.ReadAllBytes(Regular(path));

    /// <summary>The text of a file in UTF-8, without the mark of its encoding.</summary>
    /// <exception cref="CrossheadException">It is a folder, a pipe, a socket or a device, or a link to
    /// what cannot be reached.</exception>
    public static string ReadText(string path) => File.ReadAllText(Regular(path));

    /// <summary>The lines of a text in UTF-8, read as they are asked for.</summary>
    /// <param name="path">The file.</param>
    /// <param name="orPipe">Whether a pipe is read, too.</param>
    /// <exception cref="CrossheadException">It is a folder, a socket or a device, or a pipe that is not
    /// asked for.</exception>
    public static IEnumerable<string> ReadLines(string path, bool orPipe = false) =>
        File.ReadLines(orPipe && TypeOf(path) == Pipe ? path : Regular(path));

    /// <summary>Opens a file to read it from its beginning.</summary>
    /// <exception cref="CrossheadException">It is a folder, a pipe, a socket or a device, or a link to
    /// what cannot be reached.</exception>
    public static FileStream Open(string path) => File.OpenRead(Regular(path));

    /// <summary>Opens a file to read any part of it.</summary>
    /// <exception cref="CrossheadException">It is a folder, a pipe, a socket or a device, or a link to
    /// what cannot be reached.</exception>
    internal static SafeFileHandle OpenHandle(string path, FileOptions options = FileOptions.None) =>
        File.OpenHandle(Regular(path), options: options);

    /// <summary>Returns the path of a file, or of what cannot be found or asked, which opening it tells.</summary>
    /// <param name="path">The file. Links are followed.</param>
    /// <param name="remedy">The end of the message.</param>
    /// <exception cref="CrossheadException">It is a folder, a pipe, a socket or a device, or a link to
    /// what cannot be reached.</exception>
    internal static string Regular(string path, string remedy = AnyRemedy) => TypeOf(path) switch
    {
        Pipe => throw NoFile(path, "a pipe, not a file", remedy),
        Folder => throw NoFile(path, "a folder, not a file", remedy),
        Socket => throw NoFile(path, "a socket, not a file", remedy),
        Characters or Blocks => throw NoFile(path, "a device, not a file", remedy),
        null when IsBrokenLink(path) => throw NoFile(path, "a symbolic link to what cannot be reached", remedy),
        _ => path,
    };

    /// <summary>Why there is nothing of the kind that is looked for at a place, after "the place".</summary>
    public static string Absence(string path) => TypeOf(path) is null && Marshal.GetLastPInvokeError() == Denied
        ? "is in a folder that this user may not enter"
        : IsBrokenLink(path) ? "is a symbolic link to what cannot be reached"
        : Directory.Exists(path) ? "is a folder" : File.Exists(path) ? "is a file" : "does not exist";

    /// <summary>
    /// Whether it is a symbolic link to nothing that exists, in a circle, or to a place that may not be seen.
    /// </summary>
    internal static bool IsBrokenLink(string path) => new FileInfo(path).LinkTarget is not null && TypeOf(path) is null;

    private static CrossheadException NoFile(string path, string kind, string remedy) =>
        new($"\"{path}\" is {kind}; {remedy}.");

    private static int? TypeOf(string path)
    {
        var status = stackalloc byte[StatusBytes];
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
            return Status(CurrentFolder, name, 0, TypeAlone, status) != 0 ? null
                : *(ushort*)(status + ModeOffset) & TypeBits;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int Status(int folder, byte* path, int flags, uint mask, byte* status);
}
