using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace Crosshead.Runtime;

/// <summary>
/// Loads libtorch and TorchSharp's native half, once, before the first tensor.
/// <para>
/// The libraries come from the NuGet packages, or — where the environment variable <c>CROSSHEAD_LIBTORCH</c> names
/// the <c>torch/lib</c> folder of an installed PyTorch — from there, which brings CUDA along.
/// </para>
/// </summary>
public static unsafe class LibTorch
{
    /// <summary>The environment variable that names the <c>torch/lib</c> folder of an installed PyTorch.</summary>
    public const string PathVariable = "CROSSHEAD_LIBTORCH";

    private const string TorchSharpLibrary = "libLibTorchSharp.so", CpuHalf = "libtorch_cpu.so",
        CudaHalf = "libtorch_cuda.so";

    // The order matters: a library finds its dependencies by name among the loaded libraries.
    private static readonly string[] CpuLibraries = ["libc10.so", CpuHalf, "libtorch.so"];
    private static readonly string[] CudaLibraries = ["libc10.so", CpuHalf, "libc10_cuda.so", CudaHalf,
        "libtorch.so"];

    private static readonly Lazy<string> Loaded = new(Load);
    private static delegate* unmanaged<int, void> s_setThreads;

    /// <summary>The folder libtorch was loaded from; loads it on the first call.</summary>
    /// <exception cref="CrossheadException">A library is missing or does not load.</exception>
    public static string Folder => Loaded.Value;

    /// <summary>The version of libtorch, such as <c>2.10.0</c>; loads it on the first call.</summary>
    /// <exception cref="CrossheadException">A library is missing or does not load.</exception>
    public static string Version
    {
        get
        {
            EnsureLoaded();
            // The top three bytes hold major, minor and patch.
            var version = ((delegate* unmanaged<ulong>)NativeLibrary.GetExport(CpuLibrary, "aoti_torch_abi_version"))();
            return $"{version >> 56}.{(version >> 48) & 0xff}.{(version >> 40) & 0xff}";
        }
    }

    /// <summary>
    /// Whether the libtorch that is loaded, or would be, has a CUDA part. It is not loaded to see that.
    /// </summary>
    public static bool HasCuda => (Installed ?? FolderWith(CpuHalf)) is { } folder
        && File.Exists(Path.Combine(folder, CudaHalf));

    /// <summary>
    /// Makes sure that libtorch is loaded. Cheap after the first call. Whoever makes tensors calls it first, if neither
    /// a <see cref="Model.LanguageModel"/> nor a layer was made before.
    /// </summary>
    /// <exception cref="CrossheadException">A library is missing or does not load.</exception>
    public static void EnsureLoaded() => _ = Loaded.Value;

    /// <summary>The handle of <c>libtorch_cpu</c>, which holds the stable C interface.</summary>
    internal static nint CpuLibrary { get; private set; }

    /// <summary>
    /// The handle of <c>libtorch_cuda</c>, which holds the CUDA part of the stable C interface; 0 for a libtorch
    /// without CUDA.
    /// </summary>
    internal static nint CudaLibrary { get; private set; }

    /// <summary>The handle of TorchSharp's native half.</summary>
    internal static nint BindingLibrary { get; private set; }

    /// <summary>
    /// Sets the number of computing threads of a loaded libtorch. When libtorch is loaded later, it reads
    /// <see cref="ComputeThreads"/>.
    /// </summary>
    internal static void SetThreads(int count)
    {
        if (s_setThreads is not null) s_setThreads(count);
    }

    private static string Load()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new CrossheadException(
                $"Crosshead runs on Linux x64; this is {RuntimeInformation.RuntimeIdentifier}.");

        var folder = Installed ?? PackageFolder(CpuHalf, "libtorch-cpu-linux-x64");
        if (!File.Exists(Path.Combine(folder, CpuHalf)))
            throw new CrossheadException($"{PathVariable} names \"{folder}\", which holds no libtorch_cpu.so; name the "
                + $"torch/lib folder of an installed PyTorch, or unset it.");

        OpenMp.Configure(ComputeThreads.Count);
        var withCuda = File.Exists(Path.Combine(folder, CudaHalf));
        foreach (var name in withCuda ? CudaLibraries : CpuLibraries)
        {
            var handle = LoadFile(Path.Combine(folder, name));
            if (name == CpuHalf) CpuLibrary = handle;
            if (name == CudaHalf) CudaLibrary = handle;
        }

        var binding = LoadTorchSharp(Path.Combine(PackageFolder(TorchSharpLibrary, "TorchSharp"), TorchSharpLibrary));
        BindingLibrary = binding;
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly,
            (name, _, _) => name == "LibTorchSharp" ? binding : 0);
        SkipTorchSharpSearch();
        ScalarLifetime.Extend(binding);
        CapturedErrors.Install();
        s_setThreads = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(binding, "THSTorch_set_num_threads");
        s_setThreads(ComputeThreads.Count);
        // Operators that run side by side take their threads from a pool of this size.
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(binding, "THSTorch_set_num_interop_threads"))(
            ComputeThreads.Count);
        return folder;
    }

    private static nint LoadFile(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new CrossheadException($"\"{path}\" does not load: {Cause(e.Message, path)}; what it needs is shown "
                + $"by: ldd {path}", e);
        }
    }

    // If the system's libstdc++ is older than the one TorchSharp was built with, the file is refused because of an
    // unused version requirement. A copy in memory, with this requirement marked weak, is accepted.
    private static nint LoadTorchSharp(string path)
    {
        if (NativeLibrary.TryLoad(path, out var handle)) return handle;
        using var copy = MemoryFile.Create(ElfVersionNeeds.WithWeakNeed(File.ReadAllBytes(path), "GLIBCXX_3.4.32"));
        return LoadFile(copy.Path);
    }

    // Otherwise TorchSharp would search the application's folders and load a second copy of each library.
    private static void SkipTorchSharpSearch()
    {
        foreach (var flag in new[] { "nativeBackendLoaded", "nativeBackendCudaLoaded" })
            typeof(torch).GetField(flag, BindingFlags.NonPublic | BindingFlags.Static)?.SetValue(null, true);
    }

    // The folder that the user names; null for none.
    private static string? Installed => Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } folder
        ? folder : null;

    private static string PackageFolder(string library, string package) => FolderWith(library)
        ?? throw new CrossheadException($"{library} was not found beside the program; reference the package "
            + $"{package}, or set {PathVariable} to the torch/lib folder of an installed PyTorch.");

    // Beside the program, or among its packages; null if it is not there.
    private static string? FolderWith(string library) =>
        (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Prepend(Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native"))
        .Prepend(AppContext.BaseDirectory)
        .FirstOrDefault(f => File.Exists(Path.Combine(f, library)));

    // .NET gives advice on its first line, and what the system says on those behind it.
    private static string Cause(string text, string path) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is [_, var cause, ..]
            ? cause.Replace($"{path}: ", "", StringComparison.Ordinal).TrimEnd('.') : text.Trim().TrimEnd('.');
}
