using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Distributed;

/// <summary>
/// NVIDIA's library for exchanges between GPUs (<c>nccl.h</c>, 2.27 and later). Every function answers 0 for success.
/// </summary>
internal sealed unsafe class Nccl
{
    /// <summary>The oldest version that is used, as NCCL encodes it: major · 10000 + minor · 100 + patch.</summary>
    public const int OldestVersion = 22700;

    /// <summary>The library's name.</summary>
    public const string SoName = "libnccl.so.2";

    private static readonly Lazy<Nccl?> OfLibTorch = new(Find);

    private readonly nint _library;
    private readonly delegate* unmanaged<int, nint> _errorText;
    private readonly delegate* unmanaged<nint, nint> _lastError;
    private readonly delegate* unmanaged<int> _begin, _end;

    /// <summary>Looks the functions up.</summary>
    /// <param name="library">The loaded library.</param>
    public Nccl(nint library)
    {
        _library = library;
        _errorText = (delegate* unmanaged<int, nint>)Function("ncclGetErrorString");
        _lastError = (delegate* unmanaged<nint, nint>)Function("ncclGetLastError");
        _begin = (delegate* unmanaged<int>)Function("ncclGroupStart");
        _end = (delegate* unmanaged<int>)Function("ncclGroupEnd");
        int version;
        Check(((delegate* unmanaged<int*, int>)Function("ncclGetVersion"))(&version), "asking NCCL for its version");
        Version = version;
    }

    /// <summary>
    /// The NCCL that libtorch has loaded, and no other: a second copy beside it would not be the one that was tested
    /// with it. Null for a libtorch without NCCL.
    /// </summary>
    /// <exception cref="CrossheadException">libtorch does not load.</exception>
    public static Nccl? Loaded => OfLibTorch.Value;

    /// <summary>Its version, as NCCL encodes it.</summary>
    public int Version { get; }

    /// <summary>A version as people write it: 22809 is 2.28.9.</summary>
    public static string Text(int version) => $"{version / 10000}.{version / 100 % 100}.{version % 100}";

    /// <summary>An id for a new communicator.</summary>
    /// <exception cref="CrossheadException">NCCL refused.</exception>
    public NcclUniqueId NewId()
    {
        NcclUniqueId id;
        Check(((delegate* unmanaged<NcclUniqueId*, int>)Function("ncclGetUniqueId"))(&id), "asking NCCL for an id");
        return id;
    }

    /// <summary>Begins calls that are queued together, by the end of the outermost group.</summary>
    /// <exception cref="CrossheadException">NCCL refused.</exception>
    public void BeginGroup() => Check(_begin(), "beginning an exchange between GPUs");

    /// <summary>Ends the innermost group.</summary>
    /// <param name="communicator">The communicator; 0 for several.</param>
    /// <exception cref="CrossheadException">NCCL refused one of its calls.</exception>
    public void EndGroup(nint communicator = 0) => Check(_end(), "queuing an exchange between GPUs", communicator);

    /// <summary>The address of a function.</summary>
    /// <param name="name">Its name in <c>nccl.h</c>.</param>
    public nint Function(string name) => NativeLibrary.GetExport(_library, name);

    /// <summary>Throws if NCCL returned <paramref name="code"/> ≠ 0.</summary>
    /// <param name="code">NCCL's answer.</param>
    /// <param name="doing">The request, for the message: "connecting 2 ranks".</param>
    /// <param name="communicator">The communicator; 0 where there is none yet.</param>
    /// <exception cref="CrossheadException">NCCL refused; the message holds its own sentences, in one line.</exception>
    public void Check(int code, string doing, nint communicator = 0)
    {
        if (code == 0) return;
        var details = Line(_lastError(communicator));
        throw new CrossheadException($"{doing}: NCCL answered error {code}, {Line(_errorText(code))}"
            + $"{(details.Length == 0 ? "" : $" ({details})")}; NCCL_DEBUG=INFO shows more, and {MessageTerm.Device} "
            + $"cpu does without NCCL.");
    }

    private static string Line(nint text) => string.Join(' ', (Marshal.PtrToStringUTF8(text) ?? "")
        .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');

    private static Nccl? Find()
    {
        LibTorch.EnsureLoaded();
        if (LibTorch.CudaLibrary == 0) return null;
        return LoadedLibrary.Find(SoName) is not 0 and var library ? new Nccl(library) : null;
    }
}
