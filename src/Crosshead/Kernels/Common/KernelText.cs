namespace Crosshead.Kernels.Common;

/// <summary>The CUDA sources of this folder, which the assembly carries.</summary>
internal static class KernelText
{
    /// <summary>The text of a source, behind those that it needs.</summary>
    /// <param name="files">Their names, for example <c>elements.cuh</c>, <c>rotary.cu</c>.</param>
    public static string Read(params string[] files) => string.Concat(files.Select(file =>
    {
        using var reader = new StreamReader(
            typeof(KernelText).Assembly.GetManifestResourceStream($"Crosshead.Kernels.{file}")!);
        return reader.ReadToEnd();
    }));
}
