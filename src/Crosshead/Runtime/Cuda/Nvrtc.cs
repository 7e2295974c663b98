using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Compiles CUDA C++ to machine code of a device (<c>nvrtc.h</c>, CUDA 12 and 13). Every function of NVRTC answers 0
/// for success.
/// </summary>
internal static unsafe class Nvrtc
{
    private static readonly Lazy<nint> Library = new(() => NvrtcLibrary.Load(LibTorch.Folder));
    private static readonly Lazy<(int Major, int Minor)> LoadedVersion = new(AskVersion);

    /// <summary>Whether NVRTC was found.</summary>
    public static bool IsAvailable => Library.Value != 0;

    /// <summary>The version of CUDA that NVRTC belongs to.</summary>
    /// <exception cref="CrossheadException">NVRTC is absent.</exception>
    public static (int Major, int Minor) Version => LoadedVersion.Value;

    /// <summary>
    /// Compiles <paramref name="source"/> for the architecture that <paramref name="options"/> name
    /// (<c>--gpu-architecture=sm_…</c>).
    /// </summary>
    /// <param name="source">CUDA C++; kernels are <c>extern "C" __global__</c>.</param>
    /// <param name="name">What messages call the source.</param>
    /// <param name="options">NVRTC's options.</param>
    /// <returns>A cubin.</returns>
    /// <exception cref="CrossheadException">NVRTC is absent, or refuses the source: the message holds its first error,
    /// the inner exception its whole log.</exception>
    public static byte[] Compile(string source, string name, IReadOnlyList<string> options)
    {
        var program = Create(source, name);
        try
        {
            if (Run(program, options) is not 0 and var code) throw Refusal(program, name, code);
            nuint size;
            Check(((delegate* unmanaged<nint, nuint*, int>)Function("nvrtcGetCUBINSize"))(program, &size), name);
            var cubin = new byte[size];
            fixed (byte* bytes = cubin)
                Check(((delegate* unmanaged<nint, byte*, int>)Function("nvrtcGetCUBIN"))(program, bytes), name);
            return cubin;
        }
        finally
        {
            _ = ((delegate* unmanaged<nint*, int>)Function("nvrtcDestroyProgram"))(&program);
        }
    }

    private static nint Create(string source, string name)
    {
        var (sourceText, nameText) = (Marshal.StringToCoTaskMemUTF8(source), Marshal.StringToCoTaskMemUTF8(name));
        try
        {
            nint program;
            Check(((delegate* unmanaged<nint*, nint, nint, int, byte**, byte**, int>)Function("nvrtcCreateProgram"))(
                &program, sourceText, nameText, 0, null, null), name);
            return program;
        }
        finally
        {
            Marshal.FreeCoTaskMem(sourceText);
            Marshal.FreeCoTaskMem(nameText);
        }
    }

    private static int Run(nint program, IReadOnlyList<string> options)
    {
        var texts = options.Select(Marshal.StringToCoTaskMemUTF8).ToArray();
        try
        {
            fixed (nint* first = texts)
                return ((delegate* unmanaged<nint, int, nint*, int>)Function("nvrtcCompileProgram"))(program,
                    texts.Length, first);
        }
        finally
        {
            foreach (var text in texts) Marshal.FreeCoTaskMem(text);
        }
    }

    private static CrossheadException Refusal(nint program, string name, int code)
    {
        var log = Log(program);
        var lines = log.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var reason = lines.FirstOrDefault(l => l.Contains("error", StringComparison.OrdinalIgnoreCase))
            ?? lines.FirstOrDefault() ?? ErrorText(code);
        return new CrossheadException(
            $"kernel {name} was not compiled by NVRTC {Version.Major}.{Version.Minor}: {reason.TrimEnd('.')}; set "
            + $"{LibTorch.PathVariable} to a PyTorch whose CUDA knows this device, or use {MessageTerm.Device} cpu.",
            new InvalidOperationException(log));
    }

    private static string Log(nint program)
    {
        nuint size;
        if (((delegate* unmanaged<nint, nuint*, int>)Function("nvrtcGetProgramLogSize"))(program, &size) != 0
            || size == 0)
            return "";
        var log = new byte[size]; // with the 0 that ends it
        fixed (byte* bytes = log)
            return ((delegate* unmanaged<nint, byte*, int>)Function("nvrtcGetProgramLog"))(program, bytes) == 0
                ? Marshal.PtrToStringUTF8((nint)bytes) ?? "" : "";
    }

    private static (int Major, int Minor) AskVersion()
    {
        int major, minor;
        Check(((delegate* unmanaged<int*, int*, int>)Function("nvrtcVersion"))(&major, &minor), "version");
        return (major, minor);
    }

    private static void Check(int code, string what)
    {
        if (code != 0)
            throw new CrossheadException($"{what}: NVRTC answered error {code}, {ErrorText(code)}; use "
                + $"{MessageTerm.Device} cpu if it stays so.");
    }

    private static string ErrorText(int code) =>
        Marshal.PtrToStringUTF8(((delegate* unmanaged<int, nint>)Function("nvrtcGetErrorString"))(code)) ?? "";

    private static nint Function(string name) => IsAvailable
        ? NativeLibrary.GetExport(Library.Value, name)
        : throw new CrossheadException($"NVRTC ({string.Join(", ", NvrtcLibrary.Names)}) was not found; it comes with "
            + $"PyTorch: add its nvidia/*/lib folders to LD_LIBRARY_PATH, or use {MessageTerm.Device} cpu.");
}
