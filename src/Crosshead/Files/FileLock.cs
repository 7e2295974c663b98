using System.IO.Hashing;
using System.Net.Sockets;
using System.Text;

namespace Crosshead.Files;

/// <summary>
/// Files that only one process of this machine writes at a time. The lock of a file is a name of the system, an
/// abstract socket: it ends with the process, however the process ends, and leaves nothing beside the file, which need
/// not exist. A process that may have no sockets writes without a lock.
/// </summary>
public sealed class FileLock : IDisposable
{
    private readonly List<IDisposable> _names = []; // sockets; their library is loaded with the first

    private FileLock() { }

    /// <summary>Locks files.</summary>
    /// <param name="paths">The files. A link and what it leads to are two files.</param>
    /// <exception cref="CrossheadException">Another process, or another part of this one, holds one.</exception>
    public static FileLock Take(params IEnumerable<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var held = new FileLock();
        try
        {
            foreach (var path in paths) held.Add(path);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var name in _names) name.Dispose();
    }

    private void Add(string path)
    {
        var hash = XxHash128.Hash(Encoding.UTF8.GetBytes(Path.GetFullPath(path)));
        try
        {
            var name = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            _names.Add(name);
            name.Bind(new UnixDomainSocketEndPoint($"\0crosshead-writes-{Convert.ToHexStringLower(hash)}"));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new CrossheadException(
                $"\"{path}\" is being written by another run; wait for its end or stop it, or name another file.", e);
        }
        catch (SocketException)
        {
            // The system gives this process no such names: it writes without a lock.
        }
    }
}
