using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// The used functions of an MPI library. Open MPI and MPICH have the same functions with other handles: addresses of
/// exported data in Open MPI, whole numbers in MPICH. Both pass by value as <see cref="nint"/>.
/// </summary>
internal sealed unsafe class MpiLibrary : IMessages
{
    /// <summary>The environment variable that names the library's file.</summary>
    public const string Variable = "CROSSHEAD_MPI";

    /// <summary>Room for a status of any library, in bytes.</summary>
    public const int StatusBytes = 64;

    private const int Serialized = 2, LongestVersion = 8192 + 1;

    // MPICH's: mpi.h of its releases 3 and 4, and of the libraries with the same binary interface.
    private const nint MpichWorld = 0x44000000, MpichByte = 0x4c00010d, MpichErrorsReturn = 0x54000001;

    private readonly nint _world, _byte;

    private readonly delegate* unmanaged<void*, void*, int, int*, int> _init;
    private readonly delegate* unmanaged<int> _finalize;
    private readonly delegate* unmanaged<nint, int, int> _abort;
    private readonly delegate* unmanaged<nint, int*, int> _rank, _size;
    private readonly delegate* unmanaged<void*, int, nint, int, int, nint, nint*, int> _send, _receive;
    private readonly delegate* unmanaged<nint*, int*, void*, int> _test;
    private readonly delegate* unmanaged<nint*, int> _cancel, _free;
    private readonly delegate* unmanaged<void*, nint, int*, int> _count;
    private readonly delegate* unmanaged<int, byte*, int*, int> _errorText;

    private MpiLibrary(nint library)
    {
        var open = NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _world);
        _byte = open ? NativeLibrary.GetExport(library, "ompi_mpi_byte") : MpichByte;
        if (!open) _world = MpichWorld;
        var errorsReturn = open ? NativeLibrary.GetExport(library, "ompi_mpi_errors_return") : MpichErrorsReturn;

        _init = (delegate* unmanaged<void*, void*, int, int*, int>)Function("MPI_Init_thread");
        _finalize = (delegate* unmanaged<int>)Function("MPI_Finalize");
        _abort = (delegate* unmanaged<nint, int, int>)Function("MPI_Abort");
        _rank = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_rank");
        _size = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_size");
        _send = (delegate* unmanaged<void*, int, nint, int, int, nint, nint*, int>)Function("MPI_Isend");
        _receive = (delegate* unmanaged<void*, int, nint, int, int, nint, nint*, int>)Function("MPI_Irecv");
        _test = (delegate* unmanaged<nint*, int*, void*, int>)Function("MPI_Test");
        _cancel = (delegate* unmanaged<nint*, int>)Function("MPI_Cancel");
        _free = (delegate* unmanaged<nint*, int>)Function("MPI_Request_free");
        _count = (delegate* unmanaged<void*, nint, int*, int>)Function("MPI_Get_count");
        _errorText = (delegate* unmanaged<int, byte*, int*, int>)Function("MPI_Error_string");

        int given;
        Require(_init(null, null, Serialized, &given));
        if (given < Serialized)
            throw new CrossheadException($"this MPI library lets one thread alone call it (thread level {given}); "
                + $"level {Serialized} or more is needed; use a library that was built with threads.");
        Require(((delegate* unmanaged<nint, nint, int>)Function("MPI_Comm_set_errhandler"))(_world, errorsReturn));
        (Rank, Ranks) = (Number(_rank), Number(_size));
        Name = ReadVersion((delegate* unmanaged<byte*, int*, int>)Function("MPI_Get_library_version"));

        nint Function(string name) => NativeLibrary.GetExport(library, name);
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Ranks { get; }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Loads and starts the library that fits a launcher, or that the user names.</summary>
    /// <exception cref="CrossheadException">There is none, or it does not know all ranks.</exception>
    public static MpiLibrary Start(Launcher launcher)
    {
        // UCX, which some libraries use, would take the signals that .NET turns into exceptions.
        NativeProcess.SetVariable("UCX_ERROR_SIGNALS", "", overwrite: false);
        var named = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } file ? file : null;
        var names = named is null ? launcher.Libraries : [named];
        foreach (var name in names)
        {
            if (!NativeLibrary.TryLoad(name, out var handle)) continue;
            if (!NativeLibrary.TryGetExport(handle, "MPI_Init_thread", out _))
                throw new CrossheadException($"\"{name}\" is no MPI library; name another with {Variable}.");
            var library = new MpiLibrary(handle);
            if (library.Ranks == launcher.Ranks) return library;
            var (found, ranks) = (library.Name, library.Ranks);
            library.Finish();
            throw new CrossheadException($"{launcher.Name} started {launcher.Ranks} ranks, but {found} (\"{name}\") "
                + $"knows of {ranks}: launcher and library do not fit each other; start with the mpirun of {found}, "
                + $"name the launcher's own library with {Variable}=FILE, or let srun start them by pmix.");
        }
        throw new CrossheadException($"{launcher.Name} started {launcher.Ranks} ranks, but its MPI library "
            + $"({string.Join(", ", names)}) does not load; install it (libopenmpi3 or libmpich12 of Debian and "
            + $"Ubuntu), or name the file with {Variable}=FILE.");
    }

    /// <inheritdoc/>
    public nint Send(byte* data, int bytes, int rank, int tag)
    {
        nint request = 0;
        Require(_send(data, bytes, _byte, rank, tag, _world, &request));
        return request;
    }

    /// <inheritdoc/>
    public nint Receive(byte* data, int bytes, int rank, int tag)
    {
        nint request = 0;
        Require(_receive(data, bytes, _byte, rank, tag, _world, &request));
        return request;
    }

    /// <inheritdoc/>
    public bool Test(ref nint request, out int bytes)
    {
        var status = stackalloc byte[StatusBytes];
        int done, count = 0;
        fixed (nint* pointer = &request)
            Require(_test(pointer, &done, status));
        if (done != 0) Require(_count(status, _byte, &count));
        bytes = count;
        return done != 0;
    }

    /// <inheritdoc/>
    public void Cancel(ref nint request)
    {
        fixed (nint* pointer = &request)
        {
            _ = _cancel(pointer);
            _ = _free(pointer);
        }
    }

    /// <inheritdoc/>
    public void Abort(int exitCode) => _ = _abort(_world, exitCode);

    /// <inheritdoc/>
    public void Finish() => _ = _finalize();

    private int Number(delegate* unmanaged<nint, int*, int> function)
    {
        int value;
        Require(function(_world, &value));
        return value;
    }

    // "Open MPI v4.1.4, package: …" or "MPICH Version:\t4.0.2\n…"
    private static string ReadVersion(delegate* unmanaged<byte*, int*, int> read)
    {
        var text = stackalloc byte[LongestVersion];
        int length;
        if (read(text, &length) != 0) return "MPI";
        var first = Marshal.PtrToStringUTF8((nint)text, length).Split([',', '\n'])[0];
        var words = first.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries).Where(w => w != "Version:");
        return string.Join(' ', words).Replace("MPI v", "MPI ", StringComparison.Ordinal);
    }

    private void Require(int code)
    {
        if (code == 0) return;
        var text = stackalloc byte[LongestVersion];
        int length;
        var reason = _errorText(code, text, &length) == 0 ? Marshal.PtrToStringUTF8((nint)text, length) : $"{code}";
        throw new CrossheadException($"{Name ?? "MPI"}: {reason}; a rank or the connection to it is lost.");
    }
}
