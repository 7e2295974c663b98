namespace Crosshead.Kernels.Cuda;

/// <summary>The CUDA sources of this folder, which the assembly carries.</summary>
internal static class KernelText
{
    /// <summary>The text of a source.</summary>
    /// <param name="file">Its name, for example <c>rotary.cu</c>.</param>
    public static string Read(string file)
    {
        using var reader = new StreamReader(typeof(KernelText).Assembly.GetManifestResourceStream($"Crosshead.Kernels.Cuda.{file}")!);
        return reader.ReadToEnd();
    }
}
