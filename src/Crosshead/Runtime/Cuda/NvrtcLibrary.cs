using System.Runtime.InteropServices;

namespace Crosshead.Runtime.Cuda;

/// <summary>
/// Finds NVRTC, NVIDIA's compiler of kernels at run time, and CUDA's headers in an installed PyTorch.
/// </summary>
internal static class NvrtcLibrary
{
    /// <summary>The names NVRTC goes by, newest first.</summary>
    public static readonly string[] Names = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

    /// <summary>
    /// Loads the newest NVRTC: as the system finds it, else from libtorch's folder or PyTorch's NVIDIA packages beside
    /// it; 0 where there is none.
    /// </summary>
    /// <param name="libTorchFolder">The <c>torch/lib</c> folder.</param>
    public static nint Load(string libTorchFolder)
    {
        var folders = PackageFolders(libTorchFolder, "lib").Prepend(libTorchFolder).ToArray();
        foreach (var name in Names)
        {
            if (NativeLibrary.TryLoad(name, out var handle)) return handle;
            foreach (var folder in folders.Where(f => File.Exists(Path.Combine(f, name))))
            {
                // NVRTC asks for its built-in declarations by their name, which is found among the loaded libraries.
                foreach (var builtins in Directory.GetFiles(folder, "libnvrtc-builtins.so*"))
                    NativeLibrary.TryLoad(builtins, out _);
                if (NativeLibrary.TryLoad(Path.Combine(folder, name), out handle)) return handle;
            }
        }
        return 0;
    }

    /// <summary>The folder of CUDA's headers among PyTorch's NVIDIA packages; null where there is none.</summary>
    /// <param name="libTorchFolder">The <c>torch/lib</c> folder.</param>
    public static string? HeaderFolder(string libTorchFolder) =>
        PackageFolders(libTorchFolder, "include").FirstOrDefault(f => File.Exists(Path.Combine(f, "cuda_bf16.h")));

    // site-packages/torch/lib → site-packages/nvidia/*/name
    private static IEnumerable<string> PackageFolders(string libTorchFolder, string name)
    {
        var packages = Path.GetFullPath(Path.Combine(libTorchFolder, "..", "..", "nvidia"));
        return Directory.Exists(packages)
            ? Directory.GetDirectories(packages).Order(StringComparer.Ordinal).Select(p => Path.Combine(p, name))
                .Where(Directory.Exists)
            : [];
    }
}
