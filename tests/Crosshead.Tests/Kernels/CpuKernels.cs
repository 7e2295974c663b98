using Crosshead.Runtime;

namespace Crosshead.Tests.Kernels;

/// <summary>
/// Tests of the CPU kernels run where the processor, or what the runtime may use of it, has vectors for them.
/// </summary>
internal static class CpuKernels
{
    /// <summary>A skipped test where the plain operators are used.</summary>
    public static void Require() => Assert.SkipUnless(CpuVectors.AreUsed, CpuVectors.Description);
}
